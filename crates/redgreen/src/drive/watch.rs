//! Looks for `redgreen stop` and for the limit of the run while an agent or a gate runs (SPEC A9, F3).

use crate::error::Failure;
use redgreen_host::{clock, interrupt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(100);

/// A thread that lives as long as this value.
pub(super) struct Watch {
    over: Arc<AtomicBool>,
    time_is_up: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    /// Starts to watch. A request that lies there from before is for a run that is gone.
    ///
    /// # Errors
    /// An old request cannot be removed, or the system refuses a thread.
    pub(super) fn start(request: PathBuf, limit: Option<Duration>) -> Result<Self, Failure> {
        if request.exists() {
            std::fs::remove_file(&request).map_err(Failure::internal)?;
        }
        let (over, time_is_up) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let (ends, up) = (Arc::clone(&over), Arc::clone(&time_is_up));
        let start = clock::monotonic();
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || {
                while !ends.load(Ordering::SeqCst) {
                    if request.exists() {
                        let _ = std::fs::remove_file(&request);
                        interrupt::request_stop();
                    }
                    if limit.is_some_and(|limit| start.elapsed() >= limit)
                        && !up.swap(true, Ordering::SeqCst)
                    {
                        interrupt::request_stop();
                    }
                    std::thread::park_timeout(PERIOD);
                }
            })
            .map_err(Failure::internal)?;
        Ok(Self {
            over,
            time_is_up,
            thread: Some(thread),
        })
    }

    /// Whether the run has lasted as long as it may.
    pub(super) fn time_is_up(&self) -> bool {
        self.time_is_up.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
