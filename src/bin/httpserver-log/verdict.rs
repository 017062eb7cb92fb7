//! The result of a subcommand, which determines the exit status.

/// The result of a subcommand that ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verdict {
    /// No fault was found.
    #[default]
    Sound,
    /// A fault was found and reported.
    Faulty,
}

impl Verdict {
    /// Sound only if both are.
    pub(crate) fn and(self, other: Self) -> Self {
        match self {
            Self::Sound => other,
            Self::Faulty => Self::Faulty,
        }
    }
}
