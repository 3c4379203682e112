//! What other values are made of: private for each gate, so that code under test cannot tell them from real ones.

use redgreen_core::id::Digest;

/// How far off another number is. Primes: what is equal by its remainder (an angle, a day of the week) is not equal to a
/// number that is a prime further on. Small enough for the smallest types of Rust.
const OFFSETS: [u32; 25] = [
    11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109,
];
/// How many letters stand behind another string.
const LETTERS: usize = 7;

/// The source of other values. The same seed gives the same text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    digest: Digest,
    offset: u32,
    word: String,
}

impl Default for Seed {
    /// A fixed one, for looking at what is changed: 61, and ` (other)`.
    fn default() -> Self {
        Self {
            digest: Digest::of(b""),
            offset: 61,
            word: " (other)".to_owned(),
        }
    }
}

impl Seed {
    /// The seed of something that nobody else knows.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        let digest = Digest::of(secret);
        let bytes: Vec<u8> = digest.hex().into_bytes();
        let number = |from: usize| {
            bytes[from..from + 4]
                .iter()
                .fold(0_usize, |sum, byte| sum * 31 + usize::from(*byte))
        };
        let offset = OFFSETS[number(0) % OFFSETS.len()];
        let word = (1..=LETTERS)
            .map(|index| {
                // Without vowels: no word of any language that a text under test may contain.
                const CONSONANTS: &[u8; 12] = b"bdfhjkmqtvxz";
                char::from(CONSONANTS[number(index * 4) % CONSONANTS.len()])
            })
            .collect();
        Self {
            digest,
            offset,
            word,
        }
    }

    /// Another seed, made of this one.
    #[must_use]
    pub fn again(&self) -> Self {
        let mut next = Self::of(self.digest.hex().as_bytes());
        if next.offset == self.offset {
            next.offset = OFFSETS
                .into_iter()
                .find(|offset| *offset != self.offset)
                .unwrap_or(next.offset);
        }
        next
    }

    /// How far off another number is.
    #[must_use]
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// What stands behind another string.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }

    /// A number that says nothing by itself: the helper of Rust has the offset as the difference of two of them, so that
    /// its text does not tell whether values are changed.
    pub(super) fn mask(&self) -> u64 {
        u64::from_str_radix(self.digest.hex().get(40..55).unwrap_or("0"), 16).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c7_other_values_follow_from_the_secret_of_the_gate_alone() {
        let (one, two) = (Seed::of(b"one"), Seed::of(b"two"));
        assert_eq!(one, Seed::of(b"one"));
        assert!(one.word() != two.word() && one.mask() != two.mask());
        assert!(one.word().len() == LETTERS && OFFSETS.contains(&one.offset()));
        assert_ne!(one.again().offset(), one.offset());
        let offsets: std::collections::BTreeSet<u32> = (0..400_u32)
            .map(|number| Seed::of(&number.to_le_bytes()).offset())
            .collect();
        assert_eq!(offsets.len(), OFFSETS.len(), "every offset occurs");
    }
}
