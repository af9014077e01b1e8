//! Tables of routes: each is declared once, for the router, for those who check it, and for the OpenAPI document.

/// Declares a table: `Name: State, "/base"; /// What it does. method "/path" => handler, [Code::Conflict];`.
///
/// The codes are those of problems that the handler's signature does not tell of.
macro_rules! routes {
    (
        $(#[doc = $about:literal])+
        $table:ident: $state:ty, $base:literal;
        $($(#[doc = $doc:literal])+ $method:ident $path:literal => $handler:path $(, [$($code:expr),*])?;)*
    ) => {
        $(#[doc = $about])+
        pub(crate) struct $table;

        impl $table {
            /// Method (in lower case) and path of each.
            #[allow(dead_code, reason = "not every table is looked at line by line")]
            pub(crate) const ROUTES: &'static [(&'static str, &'static str)] =
                &[$((stringify!($method), concat!($base, $path)),)*];

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
