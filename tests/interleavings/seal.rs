//! The lines of a seal; there is no seal in a model.

pub(crate) mod line_group {
    pub(crate) struct LineGroup;
}

pub(crate) mod text {
    use super::time::Moment;

    pub(crate) fn push_next(_: &mut Vec<u8>, _: Moment, _: &str) {}
}

pub(crate) mod time {
    #[derive(Debug, Clone, Copy, Default)]
    pub(crate) struct Moment;
}
