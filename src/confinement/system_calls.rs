//! System calls that a file server has no use for kill the process: seccomp(2).
//!
//! It is a list of what is refused, not of what is allowed: another libc, a newer kernel or a debugger may make calls
//! that are not known today, and these must not end a server. The list has what leads out of the process, changes
//! the machine, or was the way of many attacks on the kernel.

use libc::c_long;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Calls that every processor's kernel has.
const REFUSED: &[c_long] = &[
    // Other programs, and other processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    // Other users.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    // Another view of the file system, and ways past it.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_mknodat,
    libc::SYS_fanotify_init,
    // The kernel and the machine.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_personality,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
];

/// Calls that only x86-64 has.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_mknod,
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
];

/// Calls that only this processor has.
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// The bit that distinguishes the call numbers of the x32 ABI, which has the same calls on x86-64. (See
/// `asm/unistd_x32.h`.)
const X32: c_long = 0x4000_0000;

/// Refuses them to all threads of the process, now and later.
pub(super) fn restrict() -> Result<(), Box<dyn std::error::Error>> {
    let program = program()?;
    Ok(seccompiler::apply_filter_all_threads(&program)?)
}

/// The filter as the kernel takes it.
fn program() -> Result<BpfProgram, Box<dyn std::error::Error>> {
    let refused = REFUSED.iter().chain(REFUSED_HERE);
    let both = refused.flat_map(|&number| [number, number | X32]);
    let filter = SeccompFilter::new(
        both.map(|number| (number, Vec::new())).collect(),
        SeccompAction::Allow,
        SeccompAction::KillProcess,
        std::env::consts::ARCH.try_into()?,
    )?;
    Ok(filter.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_can_be_made_and_names_each_call_once() {
        assert!(program().unwrap().len() > REFUSED.len());
        let mut all: Vec<_> = REFUSED.iter().chain(REFUSED_HERE).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
