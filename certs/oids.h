/*
 * oids: the object identifiers of the signature profile. The project's own arc hangs under 2.25
 * [ITU-T X.667], from the UUID 5909d5f9-a250-4a67-bb4c-39f0c345fbce; it is fixed for ever.
 */
#pragma once

#define XP_OID_ARC "2.25.118352362227876007019973633691655470030"

/* certificatePolicies that grant a role. */
#define XP_OID_ROLE_PERFORMER XP_OID_ARC ".1"
#define XP_OID_ROLE_VALIDATOR XP_OID_ARC ".2"
#define XP_OID_ROLE_SITE      XP_OID_ARC ".3"
#define XP_OID_ROLE_HOST      XP_OID_ARC ".4"

/* id-kp-documentSigning [RFC 9336] */
#define XP_OID_DOCUMENT_SIGNING "1.3.6.1.5.5.7.3.36"

/* The contents of OBJECT IDENTIFIERs as they stand in DER. */
#define XP_DER_OID_SIGNED_DATA	     "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
#define XP_DER_OID_DATA		     "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define XP_DER_OID_CONTENT_TYPE	     "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03"
#define XP_DER_OID_MESSAGE_DIGEST    "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04"
#define XP_DER_OID_SIGNING_TIME	     "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05"
#define XP_DER_OID_SIGNING_CERT_V2   "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x2f"
#define XP_DER_OID_COMMITMENT	     "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x10"
#define XP_DER_OID_TIMESTAMP_TOKEN   "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0e"
#define XP_DER_OID_PROOF_OF_APPROVAL "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x06\x05"
#define XP_DER_OID_PROOF_OF_CREATION "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x06\x06"
#define XP_DER_OID_SHA256	     "\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define XP_DER_OID_SHA1		     "\x2b\x0e\x03\x02\x1a"
#define XP_DER_OID_MD5		     "\x2a\x86\x48\x86\xf7\x0d\x02\x05"
#define XP_DER_OID_ECDSA_SHA256	     "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define XP_DER_OID_ECDSA_SHA1	     "\x2a\x86\x48\xce\x3d\x04\x01"

/* Of timestamp tokens [RFC 3161, RFC 5816] and of those who make them. */
#define XP_DER_OID_TST_INFO	   "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04"
#define XP_DER_OID_SIGNING_CERT_V1 "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0c"
#define XP_DER_OID_SHA384	   "\x60\x86\x48\x01\x65\x03\x04\x02\x02"
#define XP_DER_OID_SHA512	   "\x60\x86\x48\x01\x65\x03\x04\x02\x03"
#define XP_DER_OID_ECDSA_SHA384	   "\x2a\x86\x48\xce\x3d\x04\x03\x03"
#define XP_DER_OID_ECDSA_SHA512	   "\x2a\x86\x48\xce\x3d\x04\x03\x04"
#define XP_DER_OID_RSA		   "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define XP_DER_OID_RSA_MD5	   "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"
#define XP_DER_OID_RSA_SHA1	   "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"
#define XP_DER_OID_RSA_SHA256	   "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
#define XP_DER_OID_RSA_SHA384	   "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"
#define XP_DER_OID_RSA_SHA512	   "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"
