//! The exit codes, once: as values, and as the table that the manual shows.

use std::process::{ExitCode, Termination};

/// The table of exit codes.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  the gate passed (go, or go with conditions), or the command did what it was asked
  1  the gate failed, or a check's own test did
  2  not trustworthy: bad input, or an error of our own
  3  refused by scope: a target that was named is not covered by any authorisation
  4  incomplete: not enough evidence for a verdict
Where several hold, the first of 2, 3, 1, 4, 0 counts.";

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Passed,
    /// 1
    Failed,
    /// 2
    Untrustworthy,
    /// 3
    Refused,
    /// 4
    Incomplete,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Untrustworthy => 2,
            Self::Refused => 3,
            Self::Incomplete => 4,
        }
    }

    /// The one of two that counts: 2 before 3 before 1 before 4 before 0.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let weight = |exit| match exit {
            Self::Untrustworthy => 4,
            Self::Refused => 3,
            Self::Failed => 2,
            Self::Incomplete => 1,
            Self::Passed => 0,
        };
        if weight(other) > weight(self) { other } else { self }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit::{Failed, Incomplete, Passed, Refused, Untrustworthy};

    #[test]
    fn precedence() {
        assert_eq!(Passed.and(Incomplete), Incomplete);
        assert_eq!(Incomplete.and(Failed), Failed);
        assert_eq!(Failed.and(Refused), Refused);
        assert_eq!(Untrustworthy.and(Refused), Untrustworthy);
    }
}
