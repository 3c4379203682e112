//! As much of HTTP/1.1 as the agents speak: `httparse` reads, and this keeps hold of the connection, because a script may
//! say that it is slow or breaks off in the middle of an answer.

use super::Answer;
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A request is no larger than this.
const MOST: usize = 64 << 20;

pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<String>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

/// Reads one request after the other from a connection.
pub(super) struct Reader {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Reader {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            bytes: Vec::new(),
        }
    }

    /// The next request; `None` at the end of the connection.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Request>> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 128];
            let mut request = httparse::Request::new(&mut headers);
            match request.parse(&self.bytes).map_err(invalid)? {
                httparse::Status::Complete(start) => {
                    let value = |wanted: &str| {
                        request
                            .headers
                            .iter()
                            .find(|header| header.name.eq_ignore_ascii_case(wanted))
                            .map(|header| String::from_utf8_lossy(header.value).into_owned())
                    };
                    let length = value("content-length").and_then(|text| text.trim().parse().ok());
                    let chunked = value("transfer-encoding")
                        .is_some_and(|text| text.to_ascii_lowercase().contains("chunked"));
                    let waits = value("expect").is_some_and(|text| text.starts_with("100"));
                    let mut read = Request {
                        method: request.method.unwrap_or_default().to_owned(),
                        path: request.path.unwrap_or_default().to_owned(),
                        headers: request
                            .headers
                            .iter()
                            .map(|header| header.name.to_ascii_lowercase())
                            .collect(),
                        body: Vec::new(),
                    };
                    self.bytes.drain(..start);
                    if waits {
                        self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
                    }
                    read.body = if chunked {
                        self.chunks()?
                    } else {
                        self.take(length.unwrap_or(0))?
                    };
                    return Ok(Some(read));
                }
                httparse::Status::Partial => {
                    if !self.more()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn more(&mut self) -> std::io::Result<bool> {
        if self.bytes.len() > MOST {
            return Err(Error::from(ErrorKind::InvalidData));
        }
        let mut buffer = [0; 16 << 10];
        let read = self.stream.read(&mut buffer)?;
        self.bytes.extend_from_slice(&buffer[..read]);
        Ok(read > 0)
    }

    fn take(&mut self, length: usize) -> std::io::Result<Vec<u8>> {
        while self.bytes.len() < length {
            if !self.more()? {
                return Err(Error::from(ErrorKind::UnexpectedEof));
            }
        }
        Ok(self.bytes.drain(..length).collect())
    }

    fn chunks(&mut self) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            match httparse::parse_chunk_size(&self.bytes).map_err(invalid)? {
                httparse::Status::Complete((start, size)) => {
                    self.bytes.drain(..start);
                    let size = usize::try_from(size).map_err(invalid)?;
                    body.extend(self.take(size)?);
                    // The line end after a chunk, and after the last one.
                    self.take(2)?;
                    if size == 0 {
                        return Ok(body);
                    }
                }
                httparse::Status::Partial => {
                    if !self.more()? {
                        return Err(Error::from(ErrorKind::UnexpectedEof));
                    }
                }
            }
        }
    }
}

fn invalid<E>(_: E) -> Error {
    Error::from(ErrorKind::InvalidData)
}

/// Sends an answer. With `drop_after` the rest of it is withheld; the caller ends the connection.
pub(super) fn send(
    mut stream: &TcpStream,
    answer: &Answer,
    pause: Duration,
    drop_after: Option<usize>,
    head: bool,
) -> std::io::Result<()> {
    if drop_after == Some(0) {
        return Ok(());
    }
    let length: usize = answer.pieces.iter().map(String::len).sum();
    let mut start = format!(
        "HTTP/1.1 {} scripted\r\ncontent-length: {length}\r\n",
        answer.status
    );
    for (name, value) in &answer.headers {
        start.push_str(&format!("{name}: {value}\r\n"));
    }
    start.push_str("\r\n");
    if answer.pieces.len() <= 1 {
        std::thread::sleep(pause);
    }
    stream.write_all(start.as_bytes())?;
    if head {
        return Ok(());
    }
    for (number, piece) in answer.pieces.iter().enumerate() {
        if drop_after.is_some_and(|most| number >= most) {
            break;
        }
        if number > 0 {
            std::thread::sleep(pause);
        }
        stream.write_all(piece.as_bytes())?;
        stream.flush()?;
    }
    Ok(())
}

/// Seconds since 1970.
pub(super) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}
