#!/bin/sh
# shellcheck disable=SC2154 # the client sets interface, ip, mask, router, dns, ntpsrv
# What the DHCP client calls with an answer: address, routes, name servers, time servers.
case $1 in
deconfig)
	ip addr flush dev "$interface"
	ip link set "$interface" up
	;;
bound | renew)
	ip addr flush dev "$interface"
	ip addr add "$ip/${mask:-24}" broadcast "${broadcast:-+}" dev "$interface"
	for router in $router; do
		ip route add default via "$router" dev "$interface" 2>/dev/null
	done
	for server in $dns; do
		grep -qsx "nameserver $server" /run/resolv.conf || echo "nameserver $server" >>/run/resolv.conf
	done
	[ -z "$ntpsrv" ] || echo "$ntpsrv" >/run/expunge/ntp
	echo "<6>expunge: $interface has the address $ip" >/dev/kmsg
	;;
esac
