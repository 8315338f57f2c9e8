//! How grave a finding is: impact times likelihood, as Hong Kong's practice guide for security risk assessment counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One side of a risk, from 1 (low) to 3 (high) (ISPG-SM01, table 1).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Degree {
    /// 1
    Low,
    /// 2
    Medium,
    /// 3
    High,
}

impl Degree {
    /// 1, 2 or 3.
    pub fn weight(self) -> u8 {
        match self {
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 3,
        }
    }
}

/// The level of a finding, lowest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Risk 1 to 3.
    Low,
    /// Risk 4 or 6.
    Medium,
    /// Risk 9.
    High,
    /// Risk 9 on a check that the profile names as a gate.
    Critical,
}

impl Severity {
    /// Every level, gravest first: the order in which people want to read.
    pub const GRAVEST_FIRST: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The level of a risk; `gate` says that the profile stops at this check.
    pub fn of(impact: Degree, likelihood: Degree, gate: Gate) -> Self {
        match (impact.weight() * likelihood.weight(), gate) {
            (9, Gate::Stops) => Self::Critical,
            (9, Gate::Counts) => Self::High,
            (4 | 6, _) => Self::Medium,
            _ => Self::Low,
        }
    }

    /// The word for it, as the files spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Whether a fail of a check stops the gate by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// A fail of this check alone is a no-go.
    Stops,
    /// A fail counts towards the grade only.
    Counts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_of_the_practice_guide() {
        use Degree::{High, Low, Medium};
        let level = |i, l| Severity::of(i, l, Gate::Counts);
        assert_eq!(level(High, High), Severity::High);
        assert_eq!(Severity::of(High, High, Gate::Stops), Severity::Critical);
        assert_eq!(Severity::of(High, Medium, Gate::Stops), Severity::Medium);
        assert_eq!(level(Medium, Medium), Severity::Medium);
        assert_eq!(level(High, Low), Severity::Low);
    }
}
