//! How the connections of one listener begin.

/// What the first bytes of a listener's connections are.
#[derive(Debug, Clone, Default)]
pub struct Entrance {
    /// Whether a PROXY header comes before anything else.
    pub proxy_protocol: ProxyProtocol,
}

/// Whether connections begin with a PROXY header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// Those of trusted proxies do. All others speak HTTP at once.
    Spoken,
    /// None does.
    #[default]
    NotSpoken,
}
