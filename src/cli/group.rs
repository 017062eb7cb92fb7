//! A group of options: its texts in help, and the dependencies between options.
//!
//! The options themselves are the fields of the group's own struct, in the file of the group.

/// A group of options under one heading.
pub(super) struct Group {
    /// The `next_help_heading` of its options.
    pub(super) heading: &'static str,
    /// A description of its options, after the heading and a colon.
    pub(super) sentence: &'static str,
    /// A command line that uses some of them.
    pub(super) example: &'static str,
    /// The effect of that command line.
    pub(super) does: &'static str,
    /// The default behaviour of options that have no default value.
    pub(super) defaults: &'static [Default],
    /// Options that do nothing without another one.
    pub(super) needs: &'static [Requirement],
}

/// The default behaviour without an option, in words.
pub(super) struct Default {
    /// The long name of the option, without its dashes.
    pub(super) option: &'static str,
    pub(super) holds: &'static str,
}

/// An option that does nothing without another one. Both are long names without their dashes.
pub(super) struct Requirement {
    pub(super) option: &'static str,
    pub(super) needs: &'static str,
}
