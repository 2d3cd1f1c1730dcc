//! Unix.

use std::fs::{FileType, Permissions};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::task::Poll;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process_group, setrlimit};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

/// A file that is there on every system, and empty.
pub const NOTHING: &str = "/dev/null";

/// From now on none of the signals that end a program kills this one, but for Ctrl-C at a terminal, which is
/// the line editor's business; waits for the first.
pub fn interrupted(at_terminal: bool) -> io::Result<impl Future<Output = ()> + use<>> {
    let kinds = if at_terminal {
        vec![SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()]
    } else {
        vec![SignalKind::interrupt(), SignalKind::terminate()]
    };
    let mut signals = kinds.into_iter().map(signal).collect::<io::Result<Vec<_>>>()?;
    Ok(std::future::poll_fn(move |context| {
        let came = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if came { Poll::Ready(()) } else { Poll::Pending }
    }))
}

/// A file that grows beyond `ulimit -f` raises SIGXFSZ, which kills without a word. Once the signal has a
/// handler, the write fails instead, and is reported like a full disk.
pub fn outlive_large_files() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
    let _inside = runtime.enter();
    // The handler stays for the life of the process; without it, we are where we were.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
}

/// Lets this process open so many files, if the system allows. Returns how many it may open.
pub fn raise_open_files(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current.filter(|current| *current < wanted) else { return wanted };
    let most = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum });
    if raised.is_ok() { most } else { current }
}

/// A process of this command will have a group of its own, which a key at the terminal does not reach.
pub fn set_apart(command: &mut Command) {
    command.process_group(0);
}

/// Ends a process that was set apart, and those that it has begun.
pub fn end_with_children(child: &mut Child) {
    // None of the group may be left.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}

/// Temporary files of this builder get the permissions of ordinary files: 0666 less the umask.
pub fn share(builder: &mut tempfile::Builder<'_, '_>) {
    builder.permissions(Permissions::from_mode(0o666));
}

/// True if to open it may wait for somebody at its other end.
pub fn is_named_pipe(kind: FileType) -> bool {
    kind.is_fifo()
}

/// The terminal at standard input, which becomes as it was when this is dropped.
#[derive(Debug)]
pub struct Terminal {
    terminal: OwnedFd,
    before: Termios,
}

impl Terminal {
    /// The terminal as it is now.
    pub fn here() -> io::Result<Terminal> {
        let terminal = io::stdin().as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        Ok(Terminal { terminal, before })
    }

    /// From now on what is typed ahead is neither shown twice nor kept back.
    pub fn keep_quiet(&self) -> io::Result<()> {
        let mut quiet = self.before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
        Ok(tcsetattr(&self.terminal, OptionalActions::Now, &quiet)?)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
