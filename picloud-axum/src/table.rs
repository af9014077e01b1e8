//! Tables of routes: each is declared once, for the router, for those who check it, and for the OpenAPI document.

/// A line of a table.
pub(crate) struct Line {
    /// In lower case.
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// What the audit trail calls it; empty where it changes nothing.
    pub(crate) action: &'static str,
}

/// Declares a table: `Name: State, "/base"; /// What it does. method "/path" => handler as "thing.verb", [Code::Conflict];`.
///
/// `as` says what the audit trail calls it, where it changes something. The codes are those of problems that the
/// handler's signature does not tell of.
macro_rules! routes {
    (
        $(#[doc = $about:literal])+
        $table:ident: $state:ty, $base:literal;
        $(
            $(#[doc = $doc:literal])+
            $method:ident $path:literal => $handler:path $(as $action:literal)? $(, [$($code:expr),*])?;
        )*
    ) => {
        $(#[doc = $about])+
        pub(crate) struct $table;

        impl $table {
            #[allow(dead_code, reason = "not every table is looked at line by line")]
            pub(crate) const ROUTES: &'static [$crate::table::Line] = &[$($crate::table::Line {
                method: stringify!($method),
                path: concat!($base, $path),
                action: concat!("", $($action)?),
            },)*];

            pub(crate) fn router() -> axum::Router<$state> {
                axum::Router::new()$(.route(concat!($base, $path), axum::routing::$method($handler)))*
            }

            pub(crate) fn describe(document: &mut $crate::openapi::Document) {
                $(document.operation(
                    &$crate::openapi::Entry {
                        method: stringify!($method),
                        path: concat!($base, $path),
                        handler: stringify!($handler),
                        doc: &[$($doc),+],
                        codes: &[$($($code),*)?],
                    },
                    &$handler,
                );)*
            }
        }
    };
}

pub(crate) use routes;
