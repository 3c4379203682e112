//! Test doubles of the Rust ecosystem, by path.

use crate::quality::model::{Double, DoubleKind};

/// The double behind a called path or macro, `MockStore::new`, `wiremock::MockServer::start`.
pub(super) fn of_path(path: &str) -> Option<Double> {
    let parts: Vec<&str> = path.split("::").collect();
    let any = |names: &[&str]| parts.iter().any(|part| names.contains(part));
    let kind = if any(&[
        "wiremock",
        "MockServer",
        "mockito",
        "httpmock",
        "httptest",
        "wiremock_grpc",
    ]) {
        DoubleKind::Http
    } else if any(&[
        "open_in_memory",
        "MockDatabase",
        "InMemoryStore",
        "fakeredis",
    ]) {
        DoubleKind::Database
    } else if any(&[
        "mockall",
        "mock",
        "automock",
        "faux",
        "mockiato",
        "galvanic_mock",
        "mry",
        "unimock",
        "Unimock",
    ]) {
        DoubleKind::Mock
    } else {
        parts.iter().find_map(|part| {
            ["Mock", "Fake", "Stub", "Dummy", "InMemory", "Spy"]
                .iter()
                .find_map(|word| {
                    let rest = part.strip_prefix(word)?;
                    rest.starts_with(|c: char| c.is_ascii_uppercase())
                        .then_some(if *word == "Mock" {
                            DoubleKind::Mock
                        } else {
                            DoubleKind::Fake
                        })
                })
        })?
    };
    Some(Double {
        kind,
        name: path.to_owned(),
    })
}

/// A database in memory, by its address.
pub(super) fn is_memory_address(text: &str) -> bool {
    text == ":memory:" || text.contains("sqlite::memory:") || text.contains("mode=memory")
}
