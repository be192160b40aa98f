//! Why a command ended without its usual answer, and the one place where an error of the proxy's own becomes
//! an ERR packet.

use crate::ids::IdError;
use crate::session::outcome::Outcome;
use catalog::Rejected;
use errors::*;
use meta_client::MetaError;
use shard::ShardError;
use wire::reply::ErrPacket;

/// Why a command ended without its usual answer.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The proxy did not run it, or gave it up; the client gets this error and may go on.
    Error(ClientError),
    /// A shard answered the proxy with this error; the client gets it and may go on.
    Server(ErrPacket),
    /// The session ends.
    Gone,
}

/// What a statement gives.
pub(crate) type Done = Result<Outcome, Stop>;

/// The packet that a client gets for an error of the catalogue.
pub(crate) fn err_packet(error: &ClientError) -> ErrPacket {
    let code = error.code();
    ErrPacket::new(code.number, code.sqlstate, error.to_string())
}

/// The server's words on a login name the proxy's account and address, which are no client's matter.
pub(crate) fn without_account(error: AvailabilityError) -> AvailabilityError {
    match error {
        AvailabilityError::AccountRefused { shard, why } => {
            tracing::warn!(shard, why, "a shard refuses the proxy's account");
            let why = "the proxy's log has the server's answer".to_string();
            AvailabilityError::AccountRefused { shard, why }
        }
        other => other,
    }
}

macro_rules! stops_with {
    ($($error:ident),+ $(,)?) => {
        $(impl From<$error> for Stop {
            fn from(e: $error) -> Self {
                Stop::Error(e.into())
            }
        })+
    };
}

stops_with! {
    ClientError,
    AdminError,
    AvailabilityError,
    DdlError,
    InsertError,
    LoginError,
    MetadataError,
    NameError,
    PrepareError,
    ProtocolError,
    ReadError,
    RightsError,
    SessionError,
    SettingError,
    SqlError,
    TransactionError,
    WriteError,
}

impl From<ShardError> for Stop {
    fn from(e: ShardError) -> Self {
        match e {
            ShardError::Server { err, .. } => Stop::Server(err),
            ShardError::Unusable(e) => without_account(e).into(),
        }
    }
}

impl From<MetaError> for Stop {
    fn from(e: MetaError) -> Self {
        let e = match e {
            MetaError::Rejected(Rejected::Exists(what)) => MetadataError::ObjectExists { what },
            MetaError::Rejected(Rejected::Missing(what)) => MetadataError::ObjectMissing { what },
            MetaError::Rejected(Rejected::Busy(job, object, statement)) => {
                MetadataError::ObjectBusy {
                    job,
                    object,
                    statement,
                }
            }
            MetaError::Rejected(Rejected::Epoch { expected, now }) => {
                MetadataError::CatalogChanged { expected, now }
            }
            MetaError::Rejected(Rejected::Unfinished(job)) => MetadataError::JobUnfinished { job },
            MetaError::Rejected(Rejected::Invalid(why)) => MetadataError::InvalidChange { why },
            MetaError::Unavailable(why) => MetadataError::NotStored { why },
            MetaError::Unknown(why) => MetadataError::NoAnswer { why },
            MetaError::Unauthorized => MetadataError::TokenRefused,
        };
        e.into()
    }
}

impl From<IdError> for Stop {
    fn from(e: IdError) -> Self {
        let e = match e {
            IdError::Full(max) => InsertError::IdsExhausted { max },
            IdError::Meta(e) => InsertError::NoIds { why: e.to_string() },
        };
        e.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_small_and_no_error_is_smaller() {
        assert!(size_of::<Stop>() <= 40, "{}", size_of::<Stop>());
        assert_eq!(size_of::<Result<(), Stop>>(), size_of::<Stop>());
    }

    #[test]
    fn clients_do_not_see_the_account_that_a_shard_refuses() {
        let why = "Access denied for user 'sw'@'10.0.0.5' (using password: YES) (1045)";
        let refused = AvailabilityError::AccountRefused {
            shard: "s1".to_string(),
            why: why.to_string(),
        };
        let Stop::Error(error) = Stop::from(ShardError::from(refused)) else {
            panic!("not an error of the catalogue");
        };
        let text = error.to_string();
        assert!(text.contains("s1") && !text.contains("sw'"), "{text}");
    }

    #[test]
    fn the_packet_has_what_the_catalogue_says() {
        let packet = err_packet(&ClientError::no_such_table("shop", "orders"));
        assert_eq!((packet.code, &packet.sqlstate), (1146, b"42S02"));
        assert_eq!(packet.message, "Table 'shop.orders' doesn't exist");
    }
}
