//! Rust tokens with byte ranges and matching delimiters. Accepts any text.
//!
//! Rules: the Rust reference, chapter "Lexical structure". Punctuation is one character per token.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Identifier or keyword, also raw (`r#fn`).
    Word,
    /// `'a`.
    Lifetime,
    /// Integer or float, suffix included.
    Number,
    /// String of any kind.
    String,
    /// Character or byte.
    Char,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// Any other character.
    Punct,
    /// `// …`, without the line end.
    LineComment,
    /// `/* … */`, nested.
    BlockComment,
}

/// A token: its kind and byte range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    start: u32,
    end: u32,
}

impl Token {
    pub(crate) fn start(self) -> usize {
        self.start as usize
    }
    pub(crate) fn end(self) -> usize {
        self.end as usize
    }
    pub(crate) fn is_comment(self) -> bool {
        matches!(self.kind, TokenKind::LineComment | TokenKind::BlockComment)
    }
}

/// The tokens of a text.
pub(crate) struct Lexed<'text> {
    pub(crate) text: &'text str,
    pub(crate) tokens: Vec<Token>,
    /// For an opening token, the index of its closing token (or the end of the tokens when it is never closed).
    closing: Vec<u32>,
    /// Whether every delimiter has its partner.
    pub(crate) balanced: bool,
}

impl<'text> Lexed<'text> {
    /// The text of a token.
    pub(crate) fn text_at(&self, index: usize) -> &'text str {
        self.tokens
            .get(index)
            .and_then(|token| self.text.get(token.start()..token.end()))
            .unwrap_or("")
    }
    pub(crate) fn kind_at(&self, index: usize) -> Option<TokenKind> {
        self.tokens.get(index).map(|token| token.kind)
    }
    /// Whether the token is this word or character.
    pub(crate) fn is(&self, index: usize, text: &str) -> bool {
        self.text_at(index) == text && self.kind_at(index) != Some(TokenKind::String)
    }
    /// The index of the partner of an opening token.
    pub(crate) fn close_of(&self, open: usize) -> usize {
        self.closing
            .get(open)
            .map_or(self.tokens.len(), |close| *close as usize)
    }
    /// The first token at or after `index` that is no comment.
    pub(crate) fn skip_comments(&self, mut index: usize) -> usize {
        while self
            .tokens
            .get(index)
            .is_some_and(|token| token.is_comment())
        {
            index += 1;
        }
        index
    }
    /// The byte where a token starts, or the end of the text.
    pub(crate) fn start_of(&self, index: usize) -> usize {
        self.tokens
            .get(index)
            .map_or(self.text.len(), |token| token.start())
    }
    /// The byte where the token before `index` ends.
    pub(crate) fn end_before(&self, index: usize) -> usize {
        index
            .checked_sub(1)
            .and_then(|index| self.tokens.get(index))
            .map_or(0, |token| token.end())
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}
fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit()
}

struct Scanner<'text> {
    bytes: &'text [u8],
    text: &'text str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }
    fn take_while(&mut self, accept: impl Fn(u8) -> bool) {
        while self.at < self.bytes.len() && accept(self.peek(0)) {
            self.at += 1;
        }
    }
    /// After the opening quote: to behind the closing one, or the end.
    fn quoted(&mut self, quote: u8) {
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' => self.at = (self.at + 2).min(self.bytes.len()),
                byte => {
                    self.at += 1;
                    if byte == quote {
                        return;
                    }
                }
            }
        }
    }
    /// At the hashes or quote of a raw string; `false` (and nothing taken) when it is none.
    fn raw_string(&mut self) -> bool {
        let mut hashes = 0;
        while self.peek(hashes) == b'#' {
            hashes += 1;
        }
        if self.peek(hashes) != b'"' {
            return false;
        }
        self.at += hashes + 1;
        while self.at < self.bytes.len() {
            if self.peek(0) == b'"' && (1..=hashes).all(|ahead| self.peek(ahead) == b'#') {
                self.at += hashes + 1;
                return true;
            }
            self.at += 1;
        }
        true
    }
    fn block_comment(&mut self) {
        let mut depth = 0usize;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth = depth.saturating_sub(1);
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }
    fn number(&mut self) {
        let hexadecimal = self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'b' | b'o');
        loop {
            self.take_while(is_word);
            let exponent = !hexadecimal
                && matches!(self.bytes.get(self.at.wrapping_sub(1)), Some(b'e' | b'E'))
                && matches!(self.peek(0), b'+' | b'-')
                && self.peek(1).is_ascii_digit();
            let fraction = self.peek(0) == b'.' && self.peek(1).is_ascii_digit();
            // `1.` is a float too, `1..2` a range and `1.max(2)` a call.
            let bare_point =
                self.peek(0) == b'.' && self.peek(1) != b'.' && !is_word_start(self.peek(1));
            if exponent || fraction {
                self.at += 1;
            } else {
                if bare_point && !hexadecimal {
                    self.at += 1;
                }
                return;
            }
        }
    }
    /// At a `'`.
    fn char_or_lifetime(&mut self) -> TokenKind {
        let rest = self.text.get(self.at + 1..).unwrap_or("");
        let mut characters = rest.chars();
        match (characters.next(), characters.next()) {
            (Some('\\'), _) => {
                self.at += 1;
                self.quoted(b'\'');
                TokenKind::Char
            }
            (Some(character), Some('\'')) if character != '\'' => {
                self.at += 2 + character.len_utf8();
                TokenKind::Char
            }
            (Some(character), _) if character == '_' || character.is_alphabetic() => {
                self.at += 1;
                self.take_while(is_word);
                TokenKind::Lifetime
            }
            _ => {
                self.at += 1;
                TokenKind::Punct
            }
        }
    }
    /// A word, or a literal with a prefix (`b"…"`, `r#"…"#`, `b'x'`).
    fn word(&mut self) -> TokenKind {
        let start = self.at;
        self.take_while(is_word);
        let prefix = self.text.get(start..self.at).unwrap_or("");
        match (prefix, self.peek(0)) {
            ("r" | "br" | "cr", b'"' | b'#') => {
                if self.raw_string() {
                    return TokenKind::String;
                }
                if prefix == "r" && is_word_start(self.peek(1)) {
                    self.at += 1;
                    self.take_while(is_word);
                }
                TokenKind::Word
            }
            ("b" | "c", b'"') => {
                self.at += 1;
                self.quoted(b'"');
                TokenKind::String
            }
            ("b", b'\'') => {
                self.at += 1;
                self.quoted(b'\'');
                TokenKind::Char
            }
            _ => TokenKind::Word,
        }
    }
    fn token(&mut self) -> TokenKind {
        match self.peek(0) {
            b'/' if self.peek(1) == b'/' => {
                self.take_while(|byte| byte != b'\n');
                // The carriage return of a CRLF belongs to the line end.
                if self.bytes.get(self.at.wrapping_sub(1)) == Some(&b'\r') {
                    self.at -= 1;
                }
                TokenKind::LineComment
            }
            b'/' if self.peek(1) == b'*' => {
                self.block_comment();
                TokenKind::BlockComment
            }
            b'"' => {
                self.at += 1;
                self.quoted(b'"');
                TokenKind::String
            }
            b'\'' => self.char_or_lifetime(),
            byte if byte.is_ascii_digit() => {
                self.number();
                TokenKind::Number
            }
            byte if is_word_start(byte) => self.word(),
            b'(' | b'[' | b'{' => {
                self.at += 1;
                TokenKind::Open
            }
            b')' | b']' | b'}' => {
                self.at += 1;
                TokenKind::Close
            }
            _ => {
                self.at += 1;
                TokenKind::Punct
            }
        }
    }
}

/// Lexes a text of at most [`crate::MAX_FILE_BYTES`].
pub(crate) fn lex(text: &str) -> Lexed<'_> {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        text,
        at: 0,
    };
    if text.starts_with('\u{feff}') {
        scanner.at = '\u{feff}'.len_utf8();
    }
    let mut tokens = Vec::new();
    let shebang = scanner.peek(0) == b'#' && scanner.peek(1) == b'!';
    if shebang
        && !text
            .get(scanner.at + 2..)
            .unwrap_or("")
            .trim_start()
            .starts_with('[')
    {
        scanner.take_while(|byte| byte != b'\n');
    }
    loop {
        scanner.take_while(|byte| byte.is_ascii_whitespace() || byte == 0x0b);
        if scanner.at >= scanner.bytes.len() {
            break;
        }
        let start = scanner.at;
        let kind = scanner.token();
        // An escape at the very end may point behind a character; the border is moved to the next one.
        while !text.is_char_boundary(scanner.at) {
            scanner.at += 1;
        }
        tokens.push(Token {
            kind,
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(scanner.at).unwrap_or(u32::MAX),
        });
    }
    let (closing, balanced) = match_delimiters(text, &tokens);
    Lexed {
        text,
        tokens,
        closing,
        balanced,
    }
}

/// Pairs the delimiters. A closing one that fits an outer opening one closes everything in between, so that one
/// forgotten parenthesis does not swallow the rest of the file.
fn match_delimiters(text: &str, tokens: &[Token]) -> (Vec<u32>, bool) {
    let end = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
    let mut closing = vec![end; tokens.len()];
    let mut stack: Vec<(usize, u8)> = Vec::new();
    // How many of each kind are open: asking the stack would be quadratic on `((((…}}}}…`.
    let mut open = [0usize; 3];
    let mut balanced = true;
    let slot = |byte: u8| match byte {
        b'(' | b')' => 0,
        b'[' | b']' => 1,
        _ => 2,
    };
    for (index, token) in tokens.iter().enumerate() {
        let byte = text.as_bytes().get(token.start()).copied().unwrap_or(0);
        match token.kind {
            TokenKind::Open => {
                stack.push((index, byte));
                open[slot(byte)] += 1;
            }
            TokenKind::Close => {
                if open[slot(byte)] == 0 {
                    balanced = false;
                    continue;
                }
                while let Some((opener, opened)) = stack.pop() {
                    open[slot(opened)] -= 1;
                    closing[opener] = u32::try_from(index).unwrap_or(end);
                    if slot(opened) == slot(byte) {
                        break;
                    }
                    balanced = false;
                }
            }
            TokenKind::Word
            | TokenKind::Lifetime
            | TokenKind::Number
            | TokenKind::String
            | TokenKind::Char
            | TokenKind::Punct
            | TokenKind::LineComment
            | TokenKind::BlockComment => {}
        }
    }
    (closing, balanced && stack.is_empty())
}
