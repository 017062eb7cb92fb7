//! The style and the script of the page. A page without uploads omits the parts for uploads.

use std::sync::LazyLock;

use crate::web::Access;
use crate::web::pages::document;

/// The style of all listings.
macro_rules! table_style {
    () => {
        concat!(
            include_str!("../../page.css"),
            include_str!("../pages/style.css"),
            include_str!("style/table.css")
        )
    };
}

/// The parts of a script as one function, so that they share a scope of their own.
macro_rules! script {
    ($($part:literal),+) => {
        concat!("\n(() => {\n\"use strict\";\n", $(include_str!($part),)+ "})();\n")
    };
}

static READ_ONLY: Assets = Assets {
    style: table_style!(),
    script: script!("script/table.js"),
    policy: LazyLock::new(|| READ_ONLY.make_policy()),
};

static WRITABLE: Assets = Assets {
    style: concat!(table_style!(), include_str!("style/uploads.css")),
    script: script!(
        "script/table.js",
        "script/refresh.js",
        "script/upload_row.js",
        "script/upload_summary.js",
        "script/upload_queue.js",
        "script/upload_input.js"
    ),
    policy: LazyLock::new(|| WRITABLE.make_policy()),
};

/// See the module's description.
pub(super) struct Assets {
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    policy: LazyLock<String>,
}

impl Assets {
    /// The assets of a page with these features.
    pub(super) fn of(access: Access) -> &'static Self {
        match access {
            Access::ReadOnly => &READ_ONLY,
            Access::Writable => &WRITABLE,
        }
    }

    /// The value of Content-Security-Policy for the page.
    pub(super) fn policy(&self) -> &str {
        &self.policy
    }

    fn make_policy(&self) -> String {
        document::content_security_policy(self.style, Some(self.script))
    }
}
