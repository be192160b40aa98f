//! The password of a user: from a file, typed, or made here. Only hashes of it leave this process.

use crate::Failed;
use catalog::Verifiers;
use clap::Args;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

/// Random bytes of a password that is made here.
const GENERATED_BYTES: usize = 18;

/// Where a password comes from, if a person does not type it.
#[derive(Debug, Clone, Args)]
pub(crate) struct PasswordFrom {
    /// File with the password in its first line; - is standard input.
    #[arg(long, conflicts_with = "generate")]
    password_file: Option<PathBuf>,
    /// Make a strong one and print it, once.
    #[arg(long)]
    generate: bool,
}

/// Gets the password and hashes it: the password itself stays here.
pub(crate) fn verifiers(from: &PasswordFrom) -> Result<Verifiers, Failed> {
    let password = match &from.password_file {
        _ if from.generate => {
            let made = generated()?;
            eprintln!("the password is {made}");
            made
        }
        Some(path) if path.as_os_str() == "-" => first_line(std::io::stdin().lock())?,
        Some(path) => {
            let file = std::fs::File::open(path);
            let file = file.map_err(|e| format!("{}: {e}", path.display()))?;
            first_line(std::io::BufReader::new(file))?
        }
        None if !std::io::stdin().is_terminal() => {
            let text = "nobody is there to type a password: --password-file or --generate";
            return Err(text.to_string().into());
        }
        None => typed()?,
    };
    if password.is_empty() {
        return Err("the password is empty".to_string().into());
    }
    Ok(Verifiers(
        wire::password::verifiers(&password)
            .map_err(|e| e.to_string())?
            .to_vec(),
    ))
}

fn first_line(mut from: impl BufRead) -> Result<String, Failed> {
    let mut line = String::new();
    from.read_line(&mut line).map_err(|e| e.to_string())?;
    Ok(line.trim_end_matches(['\r', '\n']).to_string())
}

fn typed() -> Result<String, Failed> {
    let ask = |what: &str| rpassword::prompt_password(what).map_err(|e| e.to_string());
    let first = ask("Password: ")?;
    if first != ask("Again: ")? {
        return Err("these are two different passwords; nothing was changed"
            .to_string()
            .into());
    }
    Ok(first)
}

fn generated() -> Result<String, Failed> {
    let mut bytes = [0u8; GENERATED_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no random numbers".to_string())?;
    Ok(base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        bytes,
    ))
}
