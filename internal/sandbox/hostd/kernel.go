package hostd

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// bootKernel makes what the kernel of a host that boots has: its settings and modules, and
// then what the files for the next boot say of them. What was set by hand is gone.
func (h *Host) bootKernel() error {
	for _, dir := range []string{"proc/sys", "sys/module"} {
		mount := filepath.Join(h.root, path.Dir(dir))
		if info, err := os.Lstat(mount); err == nil && !info.IsDir() { // whatever somebody put there
			if err := os.Remove(mount); err != nil {
				return err
			}
		}
		if err := os.RemoveAll(filepath.Join(h.root, dir)); err != nil {
			return err
		}
		if err := h.mkdir("/" + dir); err != nil {
			return err
		}
	}
	if err := h.settings(kernelSettings); err != nil {
		return err
	}
	for _, m := range strings.Fields(loadedModules) {
		if err := h.mkdir("/sys/module/" + m); err != nil {
			return err
		}
	}
	release := kernelRelease()
	if builtin := "/lib/modules/" + release + "/modules.builtin"; release != "" && !h.exists(builtin) {
		var b strings.Builder
		for _, m := range strings.Fields(builtinModules) {
			b.WriteString("kernel/" + m + ".ko\n")
		}
		if err := h.put(builtin, b.String(), 0o644); err != nil {
			return err
		}
	}
	return h.bootFiles()
}

// bootFiles does what systemd-modules-load and systemd-sysctl do. What they cannot do they
// complain about in the journal, and the boot goes on.
func (h *Host) bootFiles() error {
	for _, f := range h.bootConfig("modules-load.d", "/etc/modules") {
		for _, line := range f {
			if name, _, _ := strings.Cut(line, " "); moduleKnown(name) {
				if err := h.loadModule(name); err != nil {
					return err
				}
			}
		}
	}
	for _, f := range h.bootConfig("sysctl.d", "/etc/sysctl.conf") {
		for _, line := range f {
			key, value, ok := strings.Cut(line, "=")
			file := "/proc/sys/" + settingPath(strings.TrimPrefix(strings.TrimSpace(key), "-"))
			if ok && h.isSetting(file) {
				if err := h.put(file, strings.TrimSpace(value)+"\n", 0o644); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// bootConfig reads the lines of the files NAME.conf below /etc/DIR in their order, and of one
// more at the end, without comments.
func (h *Host) bootConfig(dir, last string) [][]string {
	var files []string
	for _, n := range h.names("/etc/" + dir) {
		if strings.HasSuffix(n, ".conf") {
			files = append(files, "/etc/"+dir+"/"+n)
		}
	}
	var out [][]string
	for _, f := range append(files, last) {
		text, err := h.read(f)
		if err != nil {
			continue
		}
		var lines []string
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
				lines = append(lines, line)
			}
		}
		out = append(out, lines)
	}
	return out
}

// settings lays files below /proc/sys from lines NAME VALUE. One that is there stays. Files
// are written where they belong at once: there are many, and a boot is to be quick.
func (h *Host) settings(lines string) error {
	dirs := map[string]string{}
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" {
			continue
		}
		dir := path.Dir("/proc/sys/" + name)
		if dirs[dir] == "" {
			if err := h.mkdir(dir); err != nil {
				return err
			}
			inRoot, err := h.inRoot(dir)
			if err != nil {
				return err
			}
			dirs[dir] = inRoot
		}
		file := filepath.Join(dirs[dir], path.Base(name))
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.WriteString(strings.ReplaceAll(value, " ", "\t") + "\n")
		if err = errors.Join(err, f.Close(), h.handOver(file)); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) isSetting(file string) bool {
	name, err := h.inRoot(file)
	if err != nil {
		return false
	}
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular() && strings.HasPrefix(path.Clean(file), "/proc/sys/")
}

// settingPath is net.ipv4.ip_forward, or net/ipv4/ip_forward, as a path. Which of the two
// separators comes first tells; the other one is part of a name then, and swapped.
func settingPath(name string) string {
	if i := strings.IndexAny(name, "./"); i >= 0 && name[i] == '.' {
		return strings.Map(func(r rune) rune {
			switch r {
			case '.':
				return '/'
			case '/':
				return '.'
			}
			return r
		}, name)
	}
	return name
}

// moduleName is how the kernel writes a module's name.
func moduleName(name string) string { return strings.ReplaceAll(name, "-", "_") }

func moduleKnown(name string) bool {
	return slices.Contains(strings.Fields(loadableModules+loadedModules+builtinModules), moduleName(name))
}

// loadModule loads a module and those that it needs, which bring their settings.
func (h *Host) loadModule(name string) error {
	name = moduleName(name)
	if slices.Contains(strings.Fields(builtinModules), name) {
		return nil
	}
	for _, needed := range strings.Fields(moduleNeeds()[name]) {
		if err := h.loadModule(needed); err != nil {
			return err
		}
	}
	if err := h.mkdir("/sys/module/" + name); err != nil {
		return err
	}
	return h.settings(moduleSettings()[name])
}

// modprobe loads and removes the modules that the sandbox knows.
func (h *Host) modprobe(c *toolCall) {
	o, problem := c.parse("a/all r/remove q/quiet s/syslog v/verbose n/dry-run/show b/use-blacklist first-time i/ignore-install")
	if problem != "" || len(o.words) == 0 {
		if problem == "" {
			problem = "modprobe: ERROR: missing parameters. See -h."
		}
		c.fail(1, "%s", problem)
		return
	}
	names := o.words[:1] // what follows is parameters
	if o.has("a") || o.has("r") {
		names = o.words
	}
	for _, n := range names {
		h.modprobeOne(c, o, n)
	}
}

func (h *Host) modprobeOne(c *toolCall, o options, name string) {
	dir := "/sys/module/" + moduleName(name)
	switch {
	case !moduleKnown(name) && o.has("q"):
		c.code = 1
	case !moduleKnown(name):
		c.fail(1, "modprobe: FATAL: Module %s not found in directory /lib/modules/%s", name, kernelRelease())
	case !c.root:
		c.fail(1, "modprobe: ERROR: could not insert '%s': Operation not permitted", moduleName(name))
	case o.has("n"):
	case o.has("r") && slices.Contains(strings.Fields(builtinModules), moduleName(name)):
		c.fail(1, "modprobe: FATAL: Module %s is builtin.", name)
	case o.has("r"):
		if err := h.remove(dir); err != nil {
			c.fail(1, "modprobe: FATAL: Module %s is in use.", name)
		}
	default:
		if err := h.loadModule(name); err != nil {
			c.fail(1, "modprobe: ERROR: could not insert '%s': %s", moduleName(name), said(err))
		}
	}
}

// sysctl shows and writes the host's own settings.
func (h *Host) sysctl(c *toolCall) {
	o, problem := c.parse("w/write n/values e/ignore q/quiet/silent p/load/f a/A/X/all system N/names b/binary")
	if problem != "" {
		c.fail(1, "%s", problem)
		return
	}
	words := o.words
	var files [][]string
	switch {
	case o.has("system"):
		files, words = h.bootConfig("sysctl.d", "/etc/sysctl.conf"), nil
	case o.has("p"):
		if len(words) == 0 {
			words = []string{"/etc/sysctl.conf"}
		}
		for _, f := range words {
			files = append(files, h.bootConfig("", h.ownPath(f))...)
		}
		words = nil
	}
	for _, f := range files {
		words = append(words, f...)
	}
	for _, w := range words {
		h.sysctlOne(c, o, w)
	}
}

// ownPath is a path of the host by which a script may name it with or without its root.
func (h *Host) ownPath(name string) string {
	return "/" + strings.TrimPrefix(strings.TrimPrefix(name, h.root), "/")
}

func (h *Host) sysctlOne(c *toolCall, o options, word string) {
	key, value, write := strings.Cut(word, "=")
	key, ignore := strings.CutPrefix(strings.TrimSpace(key), "-")
	value = strings.TrimSpace(value)
	file := "/proc/sys/" + settingPath(key)
	if !h.isSetting(file) {
		if !ignore && !o.has("e") {
			c.fail(1, "sysctl: cannot stat %s: No such file or directory", file)
		}
		return
	}
	if !write {
		text, err := h.read(file)
		if err != nil {
			c.fail(1, "sysctl: reading key \"%s\": %s", key, said(err))
			return
		}
		value = strings.TrimSpace(string(text))
	} else if !c.root {
		c.fail(1, "sysctl: permission denied on key \"%s\"", key)
		return
	} else if err := h.put(file, value+"\n", 0o644); err != nil {
		c.fail(1, "sysctl: setting key \"%s\": %s", key, said(err))
		return
	}
	switch {
	case o.has("q") && write:
	case o.has("n"):
		c.printf("%s\n", value)
	default:
		c.printf("%s = %s\n", strings.ReplaceAll(settingPath(key), "/", "."), value)
	}
}

// builtinModules are in the kernel of a host, loadedModules were loaded when it booted, and
// loadableModules are there for modprobe.
const (
	builtinModules  = "ext4 jbd2 mbcache crc32c_generic fuse ipv6 unix tcp_cubic configfs autofs4 "
	loadedModules   = "virtio_net virtio_blk virtio_pci net_failover failover efi_pstore x_tables "
	loadableModules = `overlay br_netfilter bridge stp llc nf_conntrack nf_nat nf_tables nft_chain_nat nf_defrag_ipv4 nf_defrag_ipv6
		ip_tables ip6_tables iptable_filter iptable_nat ip6table_filter ipt_REJECT xt_conntrack xt_MASQUERADE xt_comment xt_mark xt_addrtype
		ip_set ip_vs ip_vs_rr ip_vs_wrr ip_vs_sh ip_vs_lc 8021q bonding dummy tun tap veth vxlan macvlan ipvlan ipip wireguard tcp_bbr
		sch_fq sch_fq_codel sch_htb sch_ingress ifb dm_mod dm_thin_pool dm_snapshot dm_multipath raid1 raid10 xfs btrfs nfs nfsd nfsv4 cifs
		squashfs loop zram nbd rbd iscsi_tcp target_core_mod softdog ipmi_si ipmi_devintf ipmi_msghandler msr kvm kvm_intel kvm_amd vhost_net
		vfio vfio_pci uio rpcsec_gss_krb5 sctp dccp tls zstd crc32c_intel aesni_intel coretemp nvme `
)

// moduleNeeds are modules that others load with them.
func moduleNeeds() map[string]string {
	return map[string]string{
		"br_netfilter": "bridge", "bridge": "stp llc", "nf_conntrack": "nf_defrag_ipv4 nf_defrag_ipv6", "nf_nat": "nf_conntrack",
		"iptable_nat": "ip_tables nf_nat", "iptable_filter": "ip_tables", "xt_conntrack": "nf_conntrack", "xt_MASQUERADE": "nf_nat",
		"ip_vs": "nf_conntrack", "ip_vs_rr": "ip_vs", "ip_vs_wrr": "ip_vs", "ip_vs_sh": "ip_vs", "ip_vs_lc": "ip_vs",
		"dm_thin_pool": "dm_mod", "dm_snapshot": "dm_mod", "ipmi_si": "ipmi_msghandler", "ipmi_devintf": "ipmi_msghandler",
		"kvm_intel": "kvm", "kvm_amd": "kvm", "vfio_pci": "vfio", "nfsv4": "nfs", "nft_chain_nat": "nf_tables nf_nat",
	}
}

// moduleSettings are the settings that come with a module.
func moduleSettings() map[string]string {
	return map[string]string{
		"br_netfilter": "net/bridge/bridge-nf-call-iptables 1\nnet/bridge/bridge-nf-call-ip6tables 1\nnet/bridge/bridge-nf-call-arptables 1\n" +
			"net/bridge/bridge-nf-filter-vlan-tagged 0\nnet/bridge/bridge-nf-filter-pppoe-tagged 0\n",
		"nf_conntrack": "net/netfilter/nf_conntrack_max 262144\nnet/netfilter/nf_conntrack_buckets 262144\nnet/nf_conntrack_max 262144\n" +
			"net/netfilter/nf_conntrack_tcp_timeout_established 432000\nnet/netfilter/nf_conntrack_tcp_timeout_time_wait 120\n" +
			"net/netfilter/nf_conntrack_tcp_timeout_close_wait 60\n",
		"ip_vs": "net/ipv4/vs/conntrack 0\nnet/ipv4/vs/expire_nodest_conn 0\nnet/ipv4/vs/conn_reuse_mode 1\n",
	}
}

// kernelSettings are those of a Debian 12 with 8 GB of memory, as far as people set them.
const kernelSettings = `fs/aio-max-nr 65536
fs/file-max 9223372036854775807
fs/inotify/max_queued_events 16384
fs/inotify/max_user_instances 128
fs/inotify/max_user_watches 65536
fs/nr_open 1048576
fs/pipe-max-size 1048576
fs/protected_hardlinks 1
fs/protected_symlinks 1
fs/protected_fifos 1
fs/protected_regular 2
fs/suid_dumpable 0
kernel/core_pattern core
kernel/core_uses_pid 0
kernel/dmesg_restrict 1
kernel/hung_task_timeout_secs 120
kernel/kptr_restrict 0
kernel/keys/maxkeys 200
kernel/keys/maxbytes 20000
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
kernel/msgmax 8192
kernel/msgmnb 16384
kernel/msgmni 32000
kernel/numa_balancing 0
kernel/panic 0
kernel/panic_on_oops 0
kernel/perf_event_paranoid 3
kernel/pid_max 4194304
kernel/printk 4 4 1 7
kernel/randomize_va_space 2
kernel/sched_autogroup_enabled 1
kernel/sem 32000 1024000000 500 32000
kernel/shmall 18446744073692774399
kernel/shmmax 18446744073692774399
kernel/shmmni 4096
kernel/sysrq 438
kernel/threads-max 63408
kernel/unprivileged_bpf_disabled 2
kernel/unprivileged_userns_clone 1
kernel/watchdog 1
kernel/yama/ptrace_scope 0
net/core/bpf_jit_enable 1
net/core/default_qdisc pfifo_fast
net/core/netdev_budget 300
net/core/netdev_max_backlog 1000
net/core/optmem_max 20480
net/core/rmem_default 212992
net/core/rmem_max 212992
net/core/somaxconn 4096
net/core/wmem_default 212992
net/core/wmem_max 212992
net/ipv4/conf/all/accept_redirects 0
net/ipv4/conf/all/accept_source_route 0
net/ipv4/conf/all/arp_announce 0
net/ipv4/conf/all/arp_filter 0
net/ipv4/conf/all/arp_ignore 0
net/ipv4/conf/all/forwarding 0
net/ipv4/conf/all/log_martians 0
net/ipv4/conf/all/rp_filter 0
net/ipv4/conf/all/secure_redirects 1
net/ipv4/conf/all/send_redirects 1
net/ipv4/conf/default/accept_redirects 1
net/ipv4/conf/default/accept_source_route 1
net/ipv4/conf/default/arp_announce 0
net/ipv4/conf/default/arp_ignore 0
net/ipv4/conf/default/forwarding 0
net/ipv4/conf/default/log_martians 0
net/ipv4/conf/default/rp_filter 0
net/ipv4/conf/default/secure_redirects 1
net/ipv4/conf/default/send_redirects 1
net/ipv4/icmp_echo_ignore_all 0
net/ipv4/icmp_echo_ignore_broadcasts 1
net/ipv4/icmp_ignore_bogus_error_responses 1
net/ipv4/ip_forward 0
net/ipv4/ip_local_port_range 32768 60999
net/ipv4/ip_local_reserved_ports
net/ipv4/ip_nonlocal_bind 0
net/ipv4/neigh/default/gc_thresh1 128
net/ipv4/neigh/default/gc_thresh2 512
net/ipv4/neigh/default/gc_thresh3 1024
net/ipv4/tcp_congestion_control cubic
net/ipv4/tcp_fastopen 1
net/ipv4/tcp_fin_timeout 60
net/ipv4/tcp_keepalive_intvl 75
net/ipv4/tcp_keepalive_probes 9
net/ipv4/tcp_keepalive_time 7200
net/ipv4/tcp_max_orphans 32768
net/ipv4/tcp_max_syn_backlog 512
net/ipv4/tcp_max_tw_buckets 32768
net/ipv4/tcp_mem 92400 123201 184800
net/ipv4/tcp_moderate_rcvbuf 1
net/ipv4/tcp_mtu_probing 0
net/ipv4/tcp_no_metrics_save 0
net/ipv4/tcp_orphan_retries 0
net/ipv4/tcp_retries1 3
net/ipv4/tcp_retries2 15
net/ipv4/tcp_rfc1337 0
net/ipv4/tcp_rmem 4096 131072 6291456
net/ipv4/tcp_sack 1
net/ipv4/tcp_slow_start_after_idle 1
net/ipv4/tcp_syn_retries 6
net/ipv4/tcp_synack_retries 5
net/ipv4/tcp_syncookies 1
net/ipv4/tcp_timestamps 1
net/ipv4/tcp_tw_reuse 2
net/ipv4/tcp_window_scaling 1
net/ipv4/tcp_wmem 4096 16384 4194304
net/ipv4/udp_mem 184800 246402 369600
net/ipv4/udp_rmem_min 4096
net/ipv4/udp_wmem_min 4096
net/ipv6/conf/all/accept_ra 1
net/ipv6/conf/all/accept_redirects 1
net/ipv6/conf/all/disable_ipv6 0
net/ipv6/conf/all/forwarding 0
net/ipv6/conf/default/accept_ra 1
net/ipv6/conf/default/accept_redirects 1
net/ipv6/conf/default/disable_ipv6 0
net/ipv6/conf/lo/disable_ipv6 0
net/unix/max_dgram_qlen 512
user/max_user_namespaces 31704
vm/admin_reserve_kbytes 8192
vm/dirty_background_bytes 0
vm/dirty_background_ratio 10
vm/dirty_bytes 0
vm/dirty_expire_centisecs 3000
vm/dirty_ratio 20
vm/dirty_writeback_centisecs 500
vm/extfrag_threshold 500
vm/max_map_count 65530
vm/min_free_kbytes 67584
vm/nr_hugepages 0
vm/oom_dump_tasks 1
vm/oom_kill_allocating_task 0
vm/overcommit_memory 0
vm/overcommit_ratio 50
vm/page-cluster 3
vm/panic_on_oom 0
vm/swappiness 60
vm/user_reserve_kbytes 131072
vm/vfs_cache_pressure 100
vm/zone_reclaim_mode 0
`
