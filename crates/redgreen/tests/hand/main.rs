//! The referee by hand (SPEC G6, B1-B8, issue 2 milestone 1): the real binary, real git, real pytest and cargo.

mod green;
mod locking;
mod red;
mod support;
