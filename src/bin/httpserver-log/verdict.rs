//! What a subcommand found; the exit status follows from it.

/// What a subcommand that ran to its end found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verdict {
    /// Nothing to object to.
    #[default]
    Sound,
    /// Something is wrong, and it has been said.
    Faulty,
}

impl Verdict {
    /// Whether there was nothing to object to in both.
    pub(crate) fn and(self, other: Self) -> Self {
        match self {
            Self::Sound => other,
            Self::Faulty => Self::Faulty,
        }
    }
}
