//! Requests to servers that we started ourselves, on loopback.

use std::time::Duration;

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header names in small letters with their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`LIMIT`] bytes of it.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// `GET`, `POST`, …
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// More of a body than this is not read.
pub const LIMIT: u64 = 8 << 20;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks with `GET`.
///
/// # Errors
/// What kept an answer from coming; an answer with any status is an answer.
pub fn get(url: &str) -> Result<Answer, String> {
    ask(&Question {
        method: "GET".to_owned(),
        url: url.to_owned(),
        ..Question::default()
    })
}

/// Asks. Redirects are answers; nothing is followed, and no proxy is used.
///
/// # Errors
/// What kept an answer from coming; an answer with any status is an answer.
pub fn ask(question: &Question) -> Result<Answer, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let mut builder = ureq::http::Request::builder()
        .method(question.method.as_str())
        .uri(&question.url);
    for (name, value) in &question.headers {
        builder = builder.header(name, value);
    }
    let request = builder
        .body(question.body.clone())
        .map_err(|error| error.to_string())?;
    let mut response = agent.run(request).map_err(|error| error.to_string())?;
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), text)
        })
        .collect();
    let body = response
        .body_mut()
        .with_config()
        .limit(LIMIT)
        .read_to_vec()
        .map_err(|error| error.to_string())?;
    Ok(Answer {
        status: response.status().as_u16(),
        headers,
        body,
    })
}
