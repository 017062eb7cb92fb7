//! The web dialect.
