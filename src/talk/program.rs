//! What came of starting a plug-in.

/// What a program said, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its standard output, at most as much as it may say.
    pub said: Vec<u8>,
    /// The beginning of its standard error.
    pub complained: Vec<u8>,
    /// How it ended.
    pub end: RanOut,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RanOut {
    /// By itself, with that code.
    Code(i32),
    /// By that signal, which was none of ours.
    Signal(i32),
    /// It was not done in time, and was ended.
    TooSlow,
    /// It said more than it may, and was ended.
    TooMuch,
}
