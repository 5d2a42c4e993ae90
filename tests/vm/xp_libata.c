// SPDX-License-Identifier: GPL-2.0
/*
 * xp_libata: a libata low-level driver for Linux 6.1 whose drives are played by a process on
 * /dev/xp_libata. Everything above it is the kernel's own: libata's error handling, its SCSI
 * translation, its filters, sd. For tests in a virtual machine only.
 *
 * Without NCQ a port has one command under way at most. The answer of a drive is taken only where
 * its number is that of the command that waits: one that comes after a time-out and a reset is
 * dropped.
 */
#include <linux/dma-mapping.h>
#include <linux/libata.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/poll.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_host.h>

#include "tests/emu/libata_wire.h"

#define DRIVER "xp_libata"

static unsigned int ports = 1;
module_param(ports, uint, 0444);
MODULE_PARM_DESC(ports, "number of SATA ports");

enum step { STEP_NONE, STEP_QUEUED, STEP_SENT };

struct port {
	struct ata_port *ap;
	bool online;
	enum step command;
	unsigned int tag;
	u32 command_seq;
	enum step reset;
	u32 reset_seq;
};

/* all of it under host->lock, which is also every port's lock */
static struct ata_host *host;
static struct port state[XPL_PORTS_MAX];
static u32 next_seq = 1;
static DECLARE_WAIT_QUEUE_HEAD(work_for_drive);
static DECLARE_WAIT_QUEUE_HEAD(reset_ended);
static struct platform_device *platform;

/* one reader, one writer at a time, each with a buffer of its own */
static DEFINE_MUTEX(read_mutex);
static DEFINE_MUTEX(write_mutex);
static u8 *read_buffer, *write_buffer;
#define BUFFER_LEN (sizeof(struct xpl_message) + XPL_DATA_MAX)

static struct port *port_of(const struct ata_port *ap)
{
	return &state[ap->port_no];
}

/* --- what libata calls --- */

static enum ata_completion_errors xpl_qc_prep(struct ata_queued_cmd *qc)
{
	return AC_ERR_OK;
}

static unsigned int xpl_qc_issue(struct ata_queued_cmd *qc)
{
	struct port *p = port_of(qc->ap);

	if (p->command != STEP_NONE || qc->nbytes > XPL_DATA_MAX)
		return AC_ERR_SYSTEM;
	p->tag = qc->tag;
	p->command_seq = next_seq++;
	p->command = STEP_QUEUED;
	wake_up(&work_for_drive);
	return 0;
}

static bool xpl_qc_fill_rtf(struct ata_queued_cmd *qc)
{
	/* filled where the answer is taken */
	return true;
}

static void xpl_freeze(struct ata_port *ap)
{
	/* whatever was under way is no longer waited for */
	port_of(ap)->command = STEP_NONE;
}

static void xpl_thaw(struct ata_port *ap)
{
}

static int xpl_hardreset(struct ata_link *link, unsigned int *class, unsigned long deadline)
{
	struct port *p = port_of(link->ap);
	unsigned long flags;
	long left = (long)(deadline - jiffies);
	u32 seq;

	spin_lock_irqsave(link->ap->lock, flags);
	seq = p->reset_seq = next_seq++;
	p->reset = STEP_QUEUED;
	p->command = STEP_NONE;
	spin_unlock_irqrestore(link->ap->lock, flags);
	wake_up(&work_for_drive);
	wait_event_timeout(reset_ended, READ_ONCE(p->reset) == STEP_NONE || p->reset_seq != seq,
			   left > 0 ? left : 1);
	*class = p->reset == STEP_NONE && p->online ? ATA_DEV_ATA : ATA_DEV_NONE;
	return 0;
}

static int xpl_scr_read(struct ata_link *link, unsigned int reg, u32 *value)
{
	if (reg > SCR_CONTROL)
		return -EINVAL;
	*value = 0;
	if (reg == SCR_STATUS && port_of(link->ap)->online)
		*value = 0x123; /* device present, Gen2, active */
	return 0;
}

static int xpl_scr_write(struct ata_link *link, unsigned int reg, u32 value)
{
	return reg > SCR_CONTROL ? -EINVAL : 0;
}

static struct scsi_host_template xpl_sht = {
	ATA_BASE_SHT(DRIVER),
	.sg_tablesize = 128,
	.dma_boundary = ATA_DMA_BOUNDARY,
	.max_sectors = XPL_DATA_MAX / 512,
};

static struct ata_port_operations xpl_ops = {
	.inherits = &sata_port_ops,
	.qc_defer = ata_std_qc_defer,
	.qc_prep = xpl_qc_prep,
	.qc_issue = xpl_qc_issue,
	.qc_fill_rtf = xpl_qc_fill_rtf,
	.freeze = xpl_freeze,
	.thaw = xpl_thaw,
	.hardreset = xpl_hardreset,
	.scr_read = xpl_scr_read,
	.scr_write = xpl_scr_write,
};

static const struct ata_port_info xpl_port_info = {
	.flags = ATA_FLAG_SATA | ATA_FLAG_PIO_DMA,
	.pio_mask = ATA_PIO4,
	.mwdma_mask = ATA_MWDMA2,
	.udma_mask = ATA_UDMA6,
	.port_ops = &xpl_ops,
};

/* --- to the drive --- */

static u8 way_of(const struct ata_taskfile *tf)
{
	bool out = tf->flags & ATA_TFLAG_WRITE;

	if (!ata_is_data(tf->protocol))
		return 0;
	if (ata_is_pio(tf->protocol))
		return out ? 2 : 1;
	return out ? 4 : 3;
}

static unsigned int elements_of(const struct ata_queued_cmd *qc)
{
	return qc->flags & ATA_QCFLAG_DMAMAP && qc->orig_n_elem ? qc->orig_n_elem : qc->n_elem;
}

static void describe(struct xpl_message *m, const struct ata_queued_cmd *qc, u8 *data)
{
	const struct ata_taskfile *tf = &qc->tf;
	bool wide = tf->flags & ATA_TFLAG_LBA48;

	m->kind = XPL_COMMAND;
	m->flags = wide ? XPL_FLAG_48BIT : 0;
	m->protocol = tf->protocol;
	m->command = tf->command;
	m->device = tf->device;
	m->way = way_of(tf);
	m->feature = tf->feature | (wide ? tf->hob_feature << 8 : 0);
	m->count = tf->nsect | (wide ? tf->hob_nsect << 8 : 0);
	m->lba = tf->lbal | (u64)tf->lbam << 8 | (u64)tf->lbah << 16;
	if (wide)
		m->lba |=
			(u64)tf->hob_lbal << 24 | (u64)tf->hob_lbam << 32 | (u64)tf->hob_lbah << 40;
	if (qc->scsicmd)
		m->timeout_ms = jiffies_to_msecs(scsi_cmd_to_rq(qc->scsicmd)->timeout);
	if (!m->way)
		return;
	if (tf->flags & ATA_TFLAG_WRITE) {
		m->flags |= XPL_FLAG_WRITE;
		m->len = sg_copy_to_buffer(qc->sg, elements_of(qc), data, qc->nbytes);
	} else {
		m->data_in = qc->nbytes;
	}
}

/* The next thing that some drive has to do; false: nothing. Under the lock. */
static bool take_work(struct xpl_message *m, u8 *data)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	m->magic = XPL_MAGIC;
	for (i = 0; i < ports; i++) {
		struct port *p = &state[i];
		struct ata_queued_cmd *qc;

		m->port = i;
		if (p->reset == STEP_QUEUED) {
			p->reset = STEP_SENT;
			m->kind = XPL_RESET;
			m->seq = p->reset_seq;
			return true;
		}
		if (p->command != STEP_QUEUED)
			continue;
		qc = ata_qc_from_tag(p->ap, p->tag);
		if (!qc) {
			p->command = STEP_NONE;
			continue;
		}
		p->command = STEP_SENT;
		m->seq = p->command_seq;
		describe(m, qc, data);
		return true;
	}
	return false;
}

static bool has_work(void)
{
	unsigned int i;

	for (i = 0; i < ports; i++)
		if (READ_ONCE(state[i].reset) == STEP_QUEUED ||
		    READ_ONCE(state[i].command) == STEP_QUEUED)
			return true;
	return false;
}

static ssize_t xpl_read(struct file *f, char __user *to, size_t n, loff_t *off)
{
	struct xpl_message *m = (struct xpl_message *)read_buffer;
	unsigned long flags;
	bool found;
	ssize_t len;

	if (n < BUFFER_LEN)
		return -EINVAL;
	mutex_lock(&read_mutex);
	do {
		if (f->f_flags & O_NONBLOCK && !has_work()) {
			len = -EAGAIN;
			goto out;
		}
		if (wait_event_interruptible(work_for_drive, has_work())) {
			len = -ERESTARTSYS;
			goto out;
		}
		spin_lock_irqsave(&host->lock, flags);
		found = take_work(m, read_buffer + sizeof(*m));
		spin_unlock_irqrestore(&host->lock, flags);
	} while (!found);
	len = sizeof(*m) + m->len;
	if (copy_to_user(to, read_buffer, len))
		len = -EFAULT;
out:
	mutex_unlock(&read_mutex);
	return len;
}

static __poll_t xpl_poll(struct file *f, poll_table *table)
{
	poll_wait(f, &work_for_drive, table);
	return (has_work() ? EPOLLIN | EPOLLRDNORM : 0) | EPOLLOUT | EPOLLWRNORM;
}

/* --- from the drive --- */

static void fill_registers(struct ata_queued_cmd *qc, const struct xpl_message *m)
{
	struct ata_taskfile *tf = &qc->result_tf;

	*tf = qc->tf;
	tf->status = m->command;
	tf->error = m->feature;
	tf->device = m->device;
	tf->nsect = m->count;
	tf->hob_nsect = m->count >> 8;
	tf->lbal = m->lba;
	tf->lbam = m->lba >> 8;
	tf->lbah = m->lba >> 16;
	tf->hob_lbal = m->lba >> 24;
	tf->hob_lbam = m->lba >> 32;
	tf->hob_lbah = m->lba >> 40;
}

static void end_command(struct port *p, const struct xpl_message *m, const u8 *data)
{
	struct ata_queued_cmd *qc;

	if (p->command != STEP_SENT || p->command_seq != m->seq)
		return;
	if (m->flags & XPL_FLAG_GONE)
		return; /* libata's own time-out ends it */
	qc = ata_qc_from_tag(p->ap, p->tag);
	p->command = STEP_NONE;
	if (!qc)
		return;
	fill_registers(qc, m);
	if (m->len && way_of(&qc->tf) && !(qc->tf.flags & ATA_TFLAG_WRITE))
		sg_copy_from_buffer(qc->sg, elements_of(qc), data, min_t(u32, m->len, qc->nbytes));
	qc->err_mask |= ac_err_mask(m->command);
	ata_qc_complete(qc);
}

static void end_reset(struct port *p, const struct xpl_message *m)
{
	if (p->reset != STEP_SENT || p->reset_seq != m->seq)
		return;
	p->online = m->flags & XPL_FLAG_ONLINE;
	p->reset = STEP_NONE;
	wake_up(&reset_ended);
}

static void change_link(struct port *p, const struct xpl_message *m)
{
	struct ata_eh_info *ehi = &p->ap->link.eh_info;

	p->online = m->flags & XPL_FLAG_ONLINE;
	ata_ehi_clear_desc(ehi);
	ata_ehi_push_desc(ehi, "link changed");
	ata_ehi_hotplugged(ehi);
	ata_port_freeze(p->ap);
}

static ssize_t xpl_write(struct file *f, const char __user *from, size_t n, loff_t *off)
{
	struct xpl_message *m = (struct xpl_message *)write_buffer;
	unsigned long flags;
	ssize_t rc = n;

	if (n < sizeof(*m) || n > BUFFER_LEN)
		return -EINVAL;
	mutex_lock(&write_mutex);
	if (copy_from_user(write_buffer, from, n)) {
		rc = -EFAULT;
	} else if (m->magic != XPL_MAGIC || m->port >= ports || m->len != n - sizeof(*m)) {
		rc = -EINVAL;
	} else {
		struct port *p = &state[m->port];

		spin_lock_irqsave(&host->lock, flags);
		if (m->kind == XPL_DONE)
			end_command(p, m, write_buffer + sizeof(*m));
		else if (m->kind == XPL_RESET_DONE)
			end_reset(p, m);
		else if (m->kind == XPL_LINK)
			change_link(p, m);
		else
			rc = -EINVAL;
		spin_unlock_irqrestore(&host->lock, flags);
	}
	mutex_unlock(&write_mutex);
	return rc;
}

static const struct file_operations xpl_fops = {
	.owner = THIS_MODULE,
	.read = xpl_read,
	.write = xpl_write,
	.poll = xpl_poll,
};

static struct miscdevice xpl_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = DRIVER,
	.fops = &xpl_fops,
};

/* --- coming and going --- */

static void activate(struct work_struct *work)
{
	int rc = ata_host_activate(host, 0, NULL, 0, &xpl_sht);

	if (rc)
		pr_err(DRIVER ": activation failed: %d\n", rc);
}
static DECLARE_WORK(activation, activate);

static int __init xpl_init(void)
{
	const struct ata_port_info *info[XPL_PORTS_MAX + 1] = {NULL};
	unsigned int i;
	int rc = -ENOMEM;

	if (ports < 1 || ports > XPL_PORTS_MAX)
		return -EINVAL;
	read_buffer = vmalloc(BUFFER_LEN);
	write_buffer = vmalloc(BUFFER_LEN);
	platform = platform_device_register_simple(DRIVER, -1, NULL, 0);
	if (!read_buffer || !write_buffer || IS_ERR(platform))
		goto fail;
	dma_coerce_mask_and_coherent(&platform->dev, DMA_BIT_MASK(64));
	for (i = 0; i < ports; i++)
		info[i] = &xpl_port_info;
	host = ata_host_alloc_pinfo(&platform->dev, info, ports);
	if (!host)
		goto fail;
	for (i = 0; i < ports; i++)
		state[i].ap = host->ports[i];
	rc = misc_register(&xpl_misc);
	if (rc)
		goto fail;
	/* the first reset waits for the process that plays the drives, which opens us now */
	schedule_work(&activation);
	return 0;
fail:
	if (!IS_ERR_OR_NULL(platform))
		platform_device_unregister(platform);
	vfree(read_buffer);
	vfree(write_buffer);
	return rc;
}
module_init(xpl_init);
/* no exit: it lives as long as its virtual machine */

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("SATA ports whose drives are played by a process");
