//! Python: tests as pytest and unittest collect them.
//!
//! Rules: pytest's documentation, "Conventions for Python test discovery" and `unittest.TestLoader`. A `TestCase` is
//! collected under any class name, but classes nested in one are not; other classes need a name that fits and no
//! constructor.

mod collect;
mod literals;
mod marks;
mod names;

pub(crate) use collect::{PythonTest, collect};
pub(crate) use literals::{canonical, is_literal};
pub(crate) use names::{dotted, fits};
