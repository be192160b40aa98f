//! SQL text as MySQL and MariaDB read it: tokens, digests, statement kinds, clauses of our own.
//!
//! Layer 0, pure. One tokenizer serves everything: the digest, our own parsers (transactions, SET,
//! DDL, INSERT) and, through [`parse`], the sqlparser crate, which gets our tokens instead of making
//! its own. A statement is never printed from a tree: what must change is spliced into its text.

pub mod account;
pub mod cursor;
pub mod ddl;
pub mod ident;
pub mod insert;
pub mod lexer;
pub mod literal;
pub mod load;
pub mod lock;
pub mod mode;
pub mod outline;
pub mod parse;
pub mod set;
pub mod shard_by;
pub mod show;
pub mod splice;
pub mod split;
pub mod statement;
pub mod transaction;

pub use ident::ObjectName;
pub use lexer::{LexError, Lexed, Op, Token, TokenKind};
pub use mode::{Flavor, LexMode};
pub use outline::{Outline, TokenRange};
pub use statement::{Statement, classify};
