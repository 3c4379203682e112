//! Keeping the head and the tail of a stream.

use std::collections::VecDeque;

/// Keeps at most `keep` bytes of what passes: the first half and the last half.
pub(super) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_limit: usize,
    tail_limit: usize,
    left_out: u64,
}

impl Capture {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            head_limit: keep / 2,
            tail_limit: keep - keep / 2,
            left_out: 0,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let to_head = bytes.len().min(self.head_limit - self.head.len());
        let (head, rest) = bytes.split_at(to_head);
        self.head.extend_from_slice(head);
        let skipped = rest.len().saturating_sub(self.tail_limit);
        let rest = &rest[skipped..];
        let overflow = (self.tail.len() + rest.len()).saturating_sub(self.tail_limit);
        self.tail.drain(..overflow);
        self.tail.extend(rest);
        self.left_out += (skipped + overflow) as u64;
    }

    /// The kept bytes, with a line in between that says how much was left out.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut out = self.head;
        if self.left_out > 0 {
            out.extend_from_slice(
                format!("\n[redgreen left out {} bytes here]\n", self.left_out).as_bytes(),
            );
        }
        out.extend(self.tail);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_tail_are_kept_and_the_gap_is_named() {
        let mut capture = Capture::new(8);
        for piece in ["ab", "cdefg", "h", "0123456789"] {
            capture.push(piece.as_bytes());
        }
        let text = String::from_utf8(capture.finish()).unwrap();
        assert_eq!(text, "abcd\n[redgreen left out 10 bytes here]\n6789");
        let mut whole = Capture::new(8);
        whole.push(b"abcdefgh");
        assert_eq!(whole.finish(), b"abcdefgh");
    }
}
