//! The way of an agent to ask the referee something while its session runs: a Unix socket in a folder it was given. One
//! line is asked, a text comes back; what is answered is the referee's matter, and it is never a verdict (SPEC F4).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The variable that names the socket to an agent.
pub const VARIABLE: &str = "REDGREEN_DOOR";
/// A path of a Unix socket is no longer than this (unix(7)).
const LONGEST_SOCKET: usize = 100;
/// A question is no longer.
const LONGEST_QUESTION: u64 = 64 << 10;

/// A place for a socket: in this folder, or in a short one of its own where the path would be too long.
///
/// # Errors
/// No folder can be made.
pub(super) fn place_for(
    folder: &Path,
    name: &str,
) -> std::io::Result<(PathBuf, Option<tempfile::TempDir>)> {
    let socket = folder.join(name);
    if socket.as_os_str().len() <= LONGEST_SOCKET {
        return Ok((socket, None));
    }
    let short = tempfile::Builder::new()
        .prefix("redgreen-")
        .tempdir_in("/tmp")?;
    Ok((short.path().join(name), Some(short)))
}

/// The referee's side.
#[derive(Debug)]
pub struct Door {
    listener: UnixListener,
    socket: PathBuf,
    over: AtomicBool,
    _folder: Option<tempfile::TempDir>,
}

impl Door {
    /// Opens a door in a folder that the agent may reach.
    ///
    /// # Errors
    /// What the system says about the socket.
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        let (socket, own) = place_for(folder, "door")?;
        Ok(Self {
            listener: UnixListener::bind(&socket)?,
            socket,
            over: AtomicBool::new(false),
            _folder: own,
        })
    }

    /// Where the agent finds it.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Answers one question after the other until [`Door::close`].
    pub fn serve(&self, answer: impl Fn(&str) -> String) {
        for stream in self.listener.incoming() {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            let Ok(mut stream) = stream else { continue };
            let mut question = String::new();
            let read = BufReader::new(&stream)
                .take(LONGEST_QUESTION)
                .read_line(&mut question);
            if read.is_ok_and(|length| length > 0) {
                let _ = stream.write_all(answer(question.trim_end()).as_bytes());
            }
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Ends [`Door::serve`] after the question that is being answered.
    pub fn close(&self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = UnixStream::connect(&self.socket);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// The agent's side: asks, and waits for the whole answer.
///
/// # Errors
/// The referee is not there any more.
pub fn ask(socket: &Path, question: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    writeln!(stream, "{}", question.replace('\n', " "))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f4_a_question_through_the_door_is_answered_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("x".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        let door = Door::open(&deep).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| door.serve(|question| format!("<{question}>")));
            assert_eq!(ask(door.socket(), "one\ntwo").unwrap(), "<one two>");
            assert_eq!(ask(door.socket(), "three").unwrap(), "<three>");
            door.close();
        });
        let socket = door.socket().to_path_buf();
        drop(door);
        assert!(ask(&socket, "four").is_err());
    }
}
