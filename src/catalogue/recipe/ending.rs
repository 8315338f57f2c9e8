//! How conversations end.

use crate::model::saw::Cut;

/// How a conversation ended, or a part of it, other than by our leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The peer closed.
    Closed,
    /// It was reset.
    Reset,
    /// Nothing (more) came in time.
    Silent,
    /// It was refused.
    Refused,
    /// The network said that it cannot be reached.
    Unreachable,
    /// More came than is read.
    TooMuch,
    /// What came is not of the protocol; a TLS handshake that failed counts.
    Garbled,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Closed,
        Self::Reset,
        Self::Silent,
        Self::Refused,
        Self::Unreachable,
        Self::TooMuch,
        Self::Garbled,
    ];

    /// The word for it, in `ended` and in tests.
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Silent => "silent",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TooMuch => "too much",
            Self::Garbled => "garbled",
        }
    }

    /// Why something is not known then.
    pub fn why(self) -> &'static str {
        match self {
            Self::Closed => "the peer closed the connection",
            Self::Reset => "the connection was reset",
            Self::Silent => "no answer came in time",
            Self::Refused => "the connection was refused",
            Self::Unreachable => "the network said that it cannot be reached",
            Self::TooMuch => "it said more than is read",
            Self::Garbled => "what it said is not of the protocol",
        }
    }
}

impl From<&Cut> for Ending {
    fn from(cut: &Cut) -> Self {
        match cut {
            Cut::TimedOut | Cut::Sampled | Cut::GivenUp { .. } => Self::Silent,
            Cut::Refused | Cut::RefusedBefore => Self::Refused,
            Cut::Reset => Self::Reset,
            Cut::Closed | Cut::AnsweredBefore => Self::Closed,
            Cut::TooMuch => Self::TooMuch,
            Cut::Unreachable { .. } => Self::Unreachable,
            Cut::Garbled { .. } => Self::Garbled,
        }
    }
}
