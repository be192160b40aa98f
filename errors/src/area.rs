//! How an area of the catalogue is written: one line of facts a variant, and what follows from it.

use crate::{Code, ErrorClass, Retry};

/// What the catalogue says of an error, whatever its fields are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The variant's name, unique in the catalogue.
    pub name: &'static str,
    /// MySQL's number and SQLSTATE.
    pub code: Code,
    /// Whose matter it is.
    pub class: ErrorClass,
    /// Whether a retry can help.
    pub retry: Retry,
    /// The text, with the fields' names in braces.
    pub text: &'static str,
    /// What it means and what to do, for the documentation.
    pub explanation: &'static str,
}

/// An area as the documentation shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    /// Its heading.
    pub title: &'static str,
    /// Its errors, in the order of the source.
    pub entries: &'static [Entry],
}

/// Defines the errors of an area:
///
/// ```text
/// area! {
///     "Title of the area": AreaError
///     /// Explanation for the documentation.
///     Variant { field: Type } = ER_CODE, Class, Retry: "text with {field}";
/// }
/// ```
macro_rules! area {
    (
        $title:literal: $area:ident
        $(
            $(#[doc = $explanation:literal])+
            $variant:ident $({ $($field:ident: $type:ty),+ })?
                = $code:ident, $class:ident, $retry:ident: $text:literal;
        )+
    ) => {
        #[doc = concat!($title, ".")]
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the explanation says what the fields are")]
        pub enum $area {
            $(
                $(#[doc = $explanation])+
                $variant $({ $($field: $type),+ })?,
            )+
        }

        impl $area {
            pub(crate) const AREA: $crate::area::Area = $crate::area::Area {
                title: $title,
                entries: &[$(entry!($variant, $code, $class, $retry, $text, $($explanation)+)),+],
            };

            pub(crate) fn entry(&self) -> &'static $crate::Entry {
                match self {
                    $(Self::$variant { .. } => {
                        &entry!($variant, $code, $class, $retry, $text, $($explanation)+)
                    })+
                }
            }

            /// One of each, with sample fields.
            #[cfg(test)]
            pub(crate) fn samples() -> Vec<Self> {
                vec![$(
                    Self::$variant $({
                        $($field: $crate::tests::Sample::named(stringify!($field))),+
                    })?
                ),+]
            }
        }

        impl std::error::Error for $area {}

        impl std::fmt::Display for $area {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$variant $({ $($field),+ })? => write!(f, $text),)+
                }
            }
        }
    };
}

macro_rules! entry {
    ($variant:ident, $code:ident, $class:ident, $retry:ident, $text:literal, $($explanation:literal)+) => {
        $crate::Entry {
            name: stringify!($variant),
            code: $crate::code::$code,
            class: $crate::ErrorClass::$class,
            retry: $crate::Retry::$retry,
            text: $text,
            explanation: concat!($($explanation),+),
        }
    };
}

/// Puts the areas together.
macro_rules! areas {
    ($($area:ident($error:ident)),+ $(,)?) => {
        /// Everything that the proxy itself can answer a client with an ERR packet.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Cause {
            $(
                #[allow(missing_docs, reason = "the area's own type says it")]
                $area($error),
            )+
        }

        impl Cause {
            pub(crate) const AREAS: &'static [area::Area] = &[$($error::AREA),+];

            fn entry(&self) -> &'static Entry {
                match self {
                    $(Self::$area(e) => e.entry(),)+
                }
            }

            #[cfg(test)]
            pub(crate) fn samples() -> Vec<Self> {
                let mut all = Vec::new();
                $(all.extend($error::samples().into_iter().map(Self::$area));)+
                all
            }
        }

        impl fmt::Display for Cause {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$area(e) => e.fmt(f),)+
                }
            }
        }

        $(
            impl From<$error> for ClientError {
                fn from(e: $error) -> Self {
                    Self(Box::new(Cause::$area(e)))
                }
            }
        )+
    };
}
