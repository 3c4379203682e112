//! Panics and fatal errors of a Go program, as its runtime prints them to standard error.

/// A frame of a stack, innermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The function, with its package path.
    pub function: String,
    /// The file, absolute.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// Why a program died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panic {
    /// The value, or the text of a fatal error.
    pub message: String,
    /// The stack of the goroutine that died; empty where none was printed.
    pub frames: Vec<Frame>,
    /// It is the alarm of `-test.timeout`.
    pub timed_out: bool,
    /// The tests that ran when the alarm went off; Go 1.20 and newer print them.
    pub running: Vec<String>,
}

/// The first panic or fatal error of a text.
#[must_use]
pub fn panic(text: &str) -> Option<Panic> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &str| {
        line.strip_prefix("panic: ")
            .or_else(|| line.strip_prefix("fatal error: "))
            .map(str::to_owned)
    };
    // Somebody may print such a line; the runtime's own is followed by a stack.
    let start = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| begins(line).is_some())
        .map(|(at, _)| at)
        .find(|at| {
            lines[*at..]
                .iter()
                .take(40)
                .any(|line| line.starts_with("goroutine "))
        })?;
    let message = begins(lines[start])?;
    let message = message
        .split(" [recovered")
        .next()
        .unwrap_or(&message)
        .to_owned();
    let timed_out = message.starts_with("test timed out after ");
    let stack = lines[start..]
        .iter()
        .position(|line| line.starts_with("goroutine "))
        .map_or(lines.len(), |at| start + at);
    let running = lines[start..stack]
        .iter()
        .filter_map(|line| line.strip_prefix("\t\t"))
        .filter_map(|line| Some(line.rsplit_once(" (")?.0.to_owned()))
        .collect();
    let mut frames = Vec::new();
    let mut at = stack + 1;
    while let (Some(function), Some(place)) = (lines.get(at), lines.get(at + 1)) {
        if function.is_empty() {
            break;
        }
        if let Some(frame) = frame(function, place) {
            frames.push(frame);
        }
        at += 2;
    }
    Some(Panic {
        message,
        frames,
        timed_out,
        running,
    })
}

fn frame(function: &str, place: &str) -> Option<Frame> {
    let place = place.strip_prefix('\t')?;
    let place = place.split(" +0x").next().unwrap_or(place);
    let (file, line) = place.rsplit_once(':')?;
    let name = function
        .strip_prefix("created by ")
        .map(|rest| rest.split(" in goroutine ").next().unwrap_or(rest))
        // The arguments are the last brackets; a method has some of its own.
        .unwrap_or_else(|| function.rsplit_once('(').map_or(function, |(name, _)| name));
    Some(Frame {
        function: name.to_owned(),
        file: file.to_owned(),
        line: line.trim().parse().ok()?,
    })
}

/// Whether the text of a panic says that something is not written yet.
#[must_use]
pub fn is_stub(message: &str) -> bool {
    let message = message.to_lowercase();
    let text = message.trim_start_matches(['"', '&', '{', ' ']);
    [
        "not implemented",
        "unimplemented",
        "not yet implemented",
        "implement me",
        "todo",
    ]
    .iter()
    .any(|word| text.starts_with(word) || text.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_a_panic_is_read_with_the_stack_of_its_goroutine() {
        let text = "some output\npanic: runtime error: invalid memory address or nil pointer dereference [recovered]\n\tpanic: runtime error: again\n[signal SIGSEGV: segmentation violation]\n\ngoroutine 19 [running]:\ntesting.tRunner.func1.2({0x57, 0x6d})\n\t/usr/lib/go-1.19/src/testing/testing.go:1396 +0x24e\nexample.com/shop/rt.(*Cart).Deref(...)\n\t/t/rt/r.go:2\nexample.com/shop/rt.TestP.func1(0x0?)\n\t/t/rt/r_test.go:5 +0x2\ncreated by testing.(*T).Run in goroutine 18\n\t/usr/src/testing.go:1851 +0x413\n\ngoroutine 1 [chan receive]:\nmain.main()\n\t_testmain.go:71 +0x1aa\n";
        let found = panic(text).unwrap();
        assert_eq!(
            found.message,
            "runtime error: invalid memory address or nil pointer dereference"
        );
        let places: Vec<(&str, u32)> = found
            .frames
            .iter()
            .map(|frame| (frame.file.as_str(), frame.line))
            .collect();
        assert_eq!(places[1], ("/t/rt/r.go", 2));
        assert_eq!(
            found.frames[1].function,
            "example.com/shop/rt.(*Cart).Deref"
        );
        assert_eq!(found.frames.len(), 4, "only the goroutine that died");
        assert!(!found.timed_out);
    }

    #[test]
    fn b2_an_alarm_names_what_ran_and_a_printed_word_is_no_panic() {
        let text = "panic: test timed out after 2s\n\trunning tests:\n\t\tTestSlow (2s)\n\t\tTestSlow/a (b) (2s)\n\ngoroutine 5 [running]:\ntesting.x()\n\t/a.go:1 +0x1\n";
        let found = panic(text).unwrap();
        assert!(found.timed_out);
        assert_eq!(found.running, ["TestSlow", "TestSlow/a (b)"]);
        assert_eq!(panic("panic: no stack\n"), None);
    }

    #[test]
    fn b3_stubs_are_known_by_their_words() {
        for text in [
            "not implemented",
            "TODO: totals",
            "implement me",
            "shop: not implemented",
        ] {
            assert!(is_stub(text), "{text}");
        }
        assert!(!is_stub("index out of range"));
    }
}
