/**
 * Words that need not be spelled in a short batch: measurements, names of tags and fields, and values of tags that most devices have. Each
 * is said by its place in this list, which it keeps for ever: agents and consoles of other versions count by it, so words are only
 * added, at the end, and a test holds that. A word may be there again: a measurement's fields follow each other as its collector gives
 * them, so that one number says where they begin.
 */
export const commonNames: readonly string[] = [
  "cpu,cpu,cpu-total,cpu0,cpu1,cpu2,cpu3,cpu4,cpu5,cpu6,cpu7,cpu8,cpu9,cpu10,cpu11,cpu12,cpu13,cpu14,cpu15",
  "usage_user,usage_nice,usage_system,usage_idle,usage_iowait,usage_irq,usage_softirq,usage_steal,usage_guest,usage_guest_nice",
  "mem,total,free,active,buffered,commit_limit,committed_as,dirty,high_free,high_total,huge_page_size,huge_pages_free,huge_pages_total",
  "inactive,low_free,low_total,mapped,page_tables,shared,slab,sreclaimable,sunreclaim,swap_cached,swap_free,swap_total,vmalloc_chunk",
  "vmalloc_total,vmalloc_used,write_back,write_back_tmp,cached,available,used,available_percent,used_percent",
  "swap,total,free,used,used_percent,in,out",
  "disk,path,device,fstype,mode,/,/boot,/boot/firmware,/boot/efi,/home,/var,/data,ext4,vfat,xfs,btrfs,f2fs,zfs,rw,ro",
  "sda,sda1,sda2,sdb,sdb1,vda,vda1,vda2,nvme0n1,nvme0n1p1,nvme0n1p2,mmcblk0,mmcblk0p1,mmcblk0p2",
  "total,free,used,used_percent,inodes_total,inodes_free,inodes_used,inodes_used_percent",
  "diskio,name,reads,merged_reads,read_time,writes,merged_writes,write_time,iops_in_progress,io_time,weighted_io_time",
  "read_bytes,write_bytes,io_await,io_svctm,io_util",
  "net,interface,all,eth0,eth1,enp1s0,enp2s0,ens3,ens18,end0,wlan0,docker0,wg0,usb0,wwan0,br0",
  "bytes_recv,packets_recv,err_in,drop_in,bytes_sent,packets_sent,err_out,drop_out,speed",
  "tcp_activeopens,tcp_passiveopens,tcp_attemptfails,tcp_estabresets,tcp_currestab,tcp_insegs,tcp_outsegs,tcp_retranssegs,tcp_inerrs",
  "tcp_outrsts,tcp_incsumerrors,udp_indatagrams,udp_noports,udp_inerrors,udp_outdatagrams,udp_rcvbuferrors,udp_sndbuferrors,udp_incsumerrors",
  "netstat,tcp_time_wait,udp_socket,tcp_none,tcp_established,tcp_syn_sent,tcp_syn_recv,tcp_fin_wait1,tcp_fin_wait2,tcp_close",
  "tcp_close_wait,tcp_last_ack,tcp_listen,tcp_closing",
  "system,load1,load5,load15,n_cpus,n_physical_cpus,n_users,n_unique_users,uptime,uptime_format",
  "processes,blocked,dead,idle,paging,running,sleeping,stopped,total,total_threads,unknown,zombies,parked",
  "temp,sensor,cpu_thermal,cpu-thermal,temp,device",
  "kernel,boot_time,context_switches,interrupts,processes_forked,entropy_avail",
  "conntrack,ip_conntrack_count,ip_conntrack_max",
  "linux_sysctl_fs,file-nr,file-max,inode-nr,inode-free-nr,inode-preshrink-nr,dentry-nr,dentry-unused-nr,dentry-age-limit,dentry-want-pages",
  "aio-nr,aio-max-nr",
  "interrupts,irq,type,device,total,IO-APIC,PCI-MSI,GICv2,GICv3,LOC,RES,CAL,TLB,NMI,PMI,IWI,MCE,MCP,ERR,MIS,IPI0,IPI1,IPI2,IPI3,IPI4,IPI5",
  "Local timer interrupts,Rescheduling interrupts,Function call interrupts,TLB shootdowns,Hypervisor callback interrupts",
  "nstat,name,netstat,snmp,snmp6,TcpExtSyncookiesSent,TcpExtSyncookiesRecv,TcpExtSyncookiesFailed,TcpExtListenOverflows,TcpExtListenDrops",
  "TcpExtTCPAbortOnData,TcpExtTCPAbortOnClose,TcpExtTCPAbortOnMemory,TcpExtTCPAbortOnTimeout,TcpExtTCPAbortOnLinger,TcpExtTCPAbortFailed",
  "IpInHdrErrors,IpInAddrErrors,IpInUnknownProtos,IpInDiscards,IpOutDiscards,IpOutNoRoutes,IcmpInErrors,IcmpInCsumErrors,IcmpInEchos",
  "IcmpInEchoReps,IcmpOutErrors,IcmpOutEchos,IcmpOutEchoReps,UdpNoPorts,UdpInErrors,UdpRcvbufErrors,UdpSndbufErrors,UdpInCsumErrors",
  "Ip6InDiscards,Ip6OutDiscards,Ip6InHdrErrors,Ip6InAddrErrors,Ip6OutNoRoutes,Ip6InUnknownProtos",
  "internal_agent,gather_errors,metrics_gathered,metrics_written,metrics_dropped,write_bytes,file_bytes,file_syncs",
  "internal_write,output,muster,buffer_size,metrics_dropped,write_time_ns",
  "internal_gather,input,cpu,mem,swap,disk,diskio,net,netstat,conntrack,system,processes,temp,kernel,linux_sysctl_fs,interrupts,nstat",
  "internal,gather_time_ns,metrics_gathered",
].flatMap((line) => line.split(","));
