//! A link shortener.

/// Whether a text is an address that can be shortened.
pub fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn an_address_begins_with_its_scheme() {
        assert!(is_address("https://example.com"));
        assert!(!is_address("example.com"));
    }
}
