//! Statements that are the administration of one server, and are refused with the way out.

use crate::Refusal;
use errors::AdminError;

pub(super) fn administration(what: &str) -> Refusal {
    let what = what.to_string();
    AdminError::OneServer { what }.into()
}

pub(super) fn state_of_one(what: &str) -> Refusal {
    let what = what.to_string();
    AdminError::StateOfOne { what }.into()
}

pub(super) fn set_global() -> Refusal {
    AdminError::SetGlobal.into()
}

pub(super) fn xa() -> Refusal {
    AdminError::Xa.into()
}
