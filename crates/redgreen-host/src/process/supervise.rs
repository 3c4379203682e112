//! The loop that feeds, drains, limits and ends one process.

use super::activity;
use super::capture::Capture;
use super::leftovers::{self, Leader};
use super::{Finished, Isolation, Network, SpawnError, Spec, isolation, jobs};
use crate::{clock, env, secrets};
use redgreen_core::run_report::Ended;
use redgreen_formats::redact;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use std::fs::File;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How often limits and interruption are looked at when nothing else happens.
const TICK: Duration = Duration::from_millis(100);

/// Counts the calls of [`interrupt_all`]; a run that sees it change ends.
static INTERRUPTIONS: AtomicU64 = AtomicU64::new(0);
/// Runs that have not returned yet.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Ends everything that is running now; each run returns with [`Ended::Interrupted`]. Later runs are not affected.
pub fn interrupt_all() {
    INTERRUPTIONS.fetch_add(1, Ordering::SeqCst);
}

/// How many runs have not returned yet.
#[must_use]
pub fn running() -> usize {
    RUNNING.load(Ordering::SeqCst)
}

/// Counts a run for as long as it lives.
struct Running;
impl Running {
    fn start() -> Self {
        RUNNING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}
impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(super) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> ControlFlow<()>;

pub(super) fn supervise(spec: &Spec, sink: Option<Sink<'_>>) -> Result<Finished, SpawnError> {
    let interruptions = INTERRUPTIONS.load(Ordering::SeqCst);
    let _running = Running::start();
    if crate::interrupt::ends_now() {
        return Err(SpawnError::Io {
            program: spec.argv.first().cloned().unwrap_or_default(),
            source: std::io::Error::from(std::io::ErrorKind::Interrupted),
        });
    }
    leftovers::become_subreaper();
    let start = clock::monotonic();
    let Started {
        mut child,
        leader,
        isolation: used,
        network,
    } = spawn(spec, !spec.stdin.is_empty())?;
    if let Some(handle) = &spec.handle {
        handle.started(leader.pid.as_raw_nonzero().get());
    }
    let record = jobs::Record::write(&leader, &spec.label, !spec.end_leftovers);
    let shown = activity::begin(spec, start);
    let mut streams = Streams::take(spec, &mut child, sink, &shown);
    let pidfd = pidfd(&leader);
    let mut ending = None;
    let mut output_at = start;
    while !has_exited(&mut child, pidfd.as_ref()) {
        let now = clock::monotonic();
        let idle_since = now.saturating_duration_since(output_at);
        let over_idle = spec.idle_timeout.is_some_and(|limit| idle_since >= limit);
        let stopped = (spec.ends_on_stop && crate::interrupt::stop_requested())
            || spec
                .handle
                .as_ref()
                .is_some_and(|handle| handle.stop_asked());
        ending = if stopped || INTERRUPTIONS.load(Ordering::SeqCst) != interruptions {
            Some(Ended::Interrupted)
        } else if now.saturating_duration_since(start) >= spec.timeout {
            Some(Ended::TimedOut)
        } else if over_idle {
            Some(Ended::IdledOut)
        } else if streams.seen > spec.output_limit {
            Some(Ended::OutputLimit)
        } else if streams.stopped {
            Some(Ended::Interrupted)
        } else {
            None
        };
        if ending.is_some() {
            end_group(&leader, &mut child, pidfd.as_ref(), spec.grace);
            break;
        }
        let mut wait = TICK.min(
            spec.timeout
                .saturating_sub(now.saturating_duration_since(start)),
        );
        if let Some(limit) = spec.idle_timeout {
            wait = wait.min(limit.saturating_sub(idle_since));
        }
        if streams.step(pidfd.as_ref(), wait) {
            output_at = clock::monotonic();
        }
    }
    // The leader is a zombie that still holds its number, so its group cannot be anybody else's.
    let by_itself = ending.is_none();
    let (mut left_behind, all_gone) = if spec.end_leftovers {
        leftovers::end(&leader, by_itself)
    } else {
        (0, true)
    };
    if !by_itself {
        left_behind = 0;
    }
    let status = child.wait();
    leftovers::forget(&leader);
    drop(record);
    if !all_gone {
        return Err(SpawnError::Io {
            program: spec.argv.first().cloned().unwrap_or_default(),
            source: std::io::Error::other("processes that it started could not be ended"),
        });
    }
    streams.drain(spec.output_limit);
    let ended = ending.unwrap_or_else(|| match status {
        Ok(status) => match (status.code(), status.signal()) {
            // Bubblewrap reports the death of its command by a signal as 128 + signal, as a shell does.
            (Some(code @ 129..=159), _) if used == Isolation::Bubblewrap => {
                Ended::Signal(code - 128)
            }
            (Some(code), _) => Ended::Code(code),
            (None, signal) => Ended::Signal(signal.unwrap_or(0)),
        },
        Err(_) => Ended::Signal(0),
    });
    let ended = if ended == Ended::Code(0) && streams.seen > spec.output_limit {
        Ended::OutputLimit
    } else {
        ended
    };
    Ok(Finished {
        ended,
        stdout: streams.stdout.kept.finish(),
        stderr: streams.stderr.kept.finish(),
        duration: start.elapsed(),
        left_behind,
        isolation: used,
        network,
    })
}

/// A process that was started.
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) leader: Leader,
    pub(super) isolation: Isolation,
    pub(super) network: Network,
}

/// Starts it, with a pipe to its standard input or with none.
#[expect(clippy::disallowed_methods, reason = "this is the one door")]
pub(super) fn spawn(spec: &Spec, with_input: bool) -> Result<Started, SpawnError> {
    let name = spec.argv.first().map_or("", String::as_str);
    let search = spec.env.get("PATH").cloned().unwrap_or_default();
    let not_found = || SpawnError::NotFound {
        program: name.to_owned(),
    };
    let program = env::find_program_on(name, &search).ok_or_else(not_found)?;
    let refused = |source: std::io::Error| SpawnError::Folder {
        program: name.to_owned(),
        folder: spec.cwd.clone(),
        source,
    };
    let folder = std::fs::metadata(&spec.cwd).map_err(refused)?;
    if !folder.is_dir() {
        return Err(refused(std::io::Error::from(
            std::io::ErrorKind::NotADirectory,
        )));
    }
    let (argv, isolation, network) =
        isolation::wrap(spec, &program.found).map_err(|why| SpawnError::Io {
            program: name.to_owned(),
            source: std::io::Error::other(why),
        })?;
    let tag = leftovers::new_tag();
    let mut command = Command::new(argv.first().unwrap_or(&program.found.into_os_string()));
    command
        .args(argv.iter().skip(1))
        .current_dir(&spec.cwd)
        .env_clear()
        .envs(&spec.env)
        .env("REDGREEN_JOB", &tag)
        .stdin(if with_input {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let (child, leader) = leftovers::register(tag, !spec.end_leftovers, || command.spawn())
        .map_err(|source| SpawnError::Io {
            program: name.to_owned(),
            source,
        })?;
    Ok(Started {
        child,
        leader,
        isolation,
        network,
    })
}

#[cfg(target_os = "linux")]
fn pidfd(leader: &Leader) -> Option<OwnedFd> {
    rustix::process::pidfd_open(leader.pid, rustix::process::PidfdFlags::empty()).ok()
}
#[cfg(not(target_os = "linux"))]
fn pidfd(_leader: &Leader) -> Option<OwnedFd> {
    None
}

/// Whether the leader has ended. With a process descriptor it is left a zombie, so that its number stays its own.
fn has_exited(child: &mut Child, pidfd: Option<&OwnedFd>) -> bool {
    match pidfd {
        Some(pidfd) => {
            let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
            let now = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            rustix::event::poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
        }
        None => !matches!(child.try_wait(), Ok(None)),
    }
}

/// Asks the group to end, waits a moment, then kills it.
fn end_group(leader: &Leader, child: &mut Child, pidfd: Option<&OwnedFd>, grace: Duration) {
    let _ = rustix::process::kill_process_group(leader.pid, Signal::TERM);
    let asked = clock::monotonic();
    while !has_exited(child, pidfd) && asked.elapsed() < grace {
        clock::pause(Duration::from_millis(5));
    }
    let _ = rustix::process::kill_process_group(leader.pid, Signal::KILL);
}

/// One output stream.
struct Stream {
    pipe: Option<OwnedFd>,
    kept: Capture,
}

/// The three pipes of a process.
struct Streams<'a, 's> {
    stdin: Option<OwnedFd>,
    to_write: &'a [u8],
    stdout: Stream,
    stderr: Stream,
    sink: Option<Sink<'s>>,
    /// What a person sees of it while it runs.
    shown: &'a activity::Shown,
    log: Option<File>,
    /// Takes secrets out of what goes to the log.
    to_log: redact::Stream,
    /// Bytes of output so far.
    seen: u64,
    /// The sink wants no more.
    stopped: bool,
    buffer: Vec<u8>,
}

pub(super) fn nonblocking(pipe: impl Into<OwnedFd>) -> OwnedFd {
    let pipe = pipe.into();
    if let Ok(flags) = rustix::fs::fcntl_getfl(&pipe) {
        let _ = rustix::fs::fcntl_setfl(&pipe, flags | rustix::fs::OFlags::NONBLOCK);
    }
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&pipe, 1 << 18);
    pipe
}

impl<'a, 's> Streams<'a, 's> {
    fn take(
        spec: &'a Spec,
        child: &mut Child,
        sink: Option<Sink<'s>>,
        shown: &'a activity::Shown,
    ) -> Self {
        let log = spec
            .log
            .as_ref()
            .and_then(|path| File::options().create(true).append(true).open(path).ok());
        let stream = |pipe: Option<OwnedFd>| Stream {
            pipe,
            kept: Capture::new(spec.keep),
        };
        Self {
            stdin: child.stdin.take().map(nonblocking),
            to_write: &spec.stdin,
            stdout: stream(child.stdout.take().map(nonblocking)),
            stderr: stream(child.stderr.take().map(nonblocking)),
            sink,
            shown,
            log,
            to_log: redact::Stream::default(),
            seen: 0,
            stopped: false,
            buffer: vec![0; 1 << 18],
        }
    }

    /// Waits for something to do, at most `wait`, and does it. Returns whether there was output.
    fn step(&mut self, pidfd: Option<&OwnedFd>, wait: Duration) -> bool {
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(4);
        let wanted = [
            (self.stdout.pipe.as_ref(), PollFlags::IN),
            (self.stderr.pipe.as_ref(), PollFlags::IN),
            (self.stdin.as_ref(), PollFlags::OUT),
            (pidfd, PollFlags::IN),
        ];
        for (fd, flags) in wanted {
            if let Some(fd) = fd {
                fds.push(PollFd::from_borrowed_fd(fd.as_fd(), flags));
            }
        }
        let wait = if pidfd.is_none() {
            wait.min(Duration::from_millis(10))
        } else {
            wait
        };
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        let _ = rustix::event::poll(&mut fds, Some(&timeout));
        self.feed();
        let before = self.seen;
        self.read(true);
        self.read(false);
        self.seen != before
    }

    fn feed(&mut self) {
        let Some(pipe) = &self.stdin else { return };
        while !self.to_write.is_empty() {
            match rustix::io::write(pipe, self.to_write) {
                Ok(0) | Err(Errno::AGAIN) => return,
                Ok(written) => self.to_write = &self.to_write[written..],
                Err(Errno::INTR) => {}
                // It does not read any more: not our concern, its exit code tells.
                Err(_) => self.to_write = &[],
            }
        }
        self.stdin = None;
    }

    /// Reads what is there, at most one buffer. Returns false when nothing is there now or the stream has ended.
    fn read(&mut self, is_stdout: bool) -> bool {
        let stream = if is_stdout {
            &mut self.stdout
        } else {
            &mut self.stderr
        };
        let Some(pipe) = &stream.pipe else {
            return false;
        };
        let count = match rustix::io::read(pipe, &mut self.buffer[..]) {
            Ok(count) => count,
            Err(Errno::INTR) => return true,
            Err(Errno::AGAIN) => return false,
            Err(_) => 0,
        };
        if count == 0 {
            stream.pipe = None;
            return false;
        }
        let bytes = &self.buffer[..count];
        self.shown.output(bytes);
        self.seen += count as u64;
        if let Some(log) = &mut self.log
            && log
                .write_all(&self.to_log.push(&secrets::redactor(), bytes))
                .is_err()
        {
            // A full disk must not stop the run; the kept head and tail are still there.
            self.log = None;
        }
        match (&mut self.sink, is_stdout) {
            (Some(sink), true) => {
                if !self.stopped && sink(bytes).is_break() {
                    self.stopped = true;
                }
            }
            (Some(_), false) | (None, _) => stream.kept.push(bytes),
        }
        true
    }

    /// Reads what the pipes still hold. Everything that could write to them is gone, or has outlived its end and is
    /// not waited for.
    fn drain(&mut self, limit: u64) {
        self.stdin = None;
        while self.seen <= limit && !self.stopped && self.read(true) {}
        while self.seen <= limit && self.read(false) {}
        if let Some(log) = &mut self.log {
            let _ = log.write_all(&self.to_log.finish(&secrets::redactor()));
        }
    }
}

/// The number of a process as the system call wants it.
pub(super) fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}
