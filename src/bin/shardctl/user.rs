//! `shardctl user`

use crate::Failed;
use crate::cli::{Format, How, PasswordFrom, UserVerb};
use crate::client::Client;
use crate::output::{json, table};
use admin_types::views::{Order, UserOrder, UserView};
use catalog::Verifiers;
use std::io::{BufRead, IsTerminal};

/// Random bytes of a password that is made here.
const GENERATED_BYTES: usize = 18;

/// Carries out a verb.
pub async fn user(client: &Client, verb: &UserVerb) -> Result<u8, Failed> {
    let (order, how, danger): (UserOrder, &How, Option<String>) = match verb {
        UserVerb::List => return show(client, None).await,
        UserVerb::Show { name } => return show(client, Some(name)).await,
        UserVerb::Add {
            name,
            password,
            how,
        } => {
            let (name, password) = (name.clone(), verifiers(password)?);
            (UserOrder::CreateUser { name, password }, how, None)
        }
        UserVerb::Password {
            name,
            password,
            how,
        } => {
            let (name, password) = (name.clone(), verifiers(password)?);
            (UserOrder::SetPassword { name, password }, how, None)
        }
        UserVerb::Drop { name, how } => {
            let question = format!("The user {name} and its grants go.");
            (
                UserOrder::DropUser { name: name.clone() },
                how,
                Some(question),
            )
        }
        UserVerb::Grant {
            name,
            database,
            rights,
            how,
        } => {
            let (name, database, rights) = (name.clone(), database.clone(), *rights);
            let order = UserOrder::Grant {
                name,
                database,
                rights,
            };
            (order, how, None)
        }
        UserVerb::Revoke {
            name,
            database,
            rights,
            how,
        } => {
            let (name, database, rights) = (name.clone(), database.clone(), *rights);
            let order = UserOrder::Revoke {
                name,
                database,
                rights,
            };
            (order, how, None)
        }
    };
    client
        .order(Order::User(order), how, danger.as_deref())
        .await
}

async fn show(client: &Client, name: Option<&String>) -> Result<u8, Failed> {
    let mut list: Vec<UserView> = client.get("/v1/users").await?;
    if let Some(name) = name {
        list.retain(|u| u.name == *name);
        if list.is_empty() {
            return Err(format!("there is no user {name} in the catalog").into());
        }
    }
    if client.format == Format::Json {
        return json(&list);
    }
    let mut rows = Vec::new();
    for u in &list {
        if u.grants.is_empty() {
            rows.push(vec![u.name.clone(), "-".to_string(), "none".to_string()]);
        }
        for g in &u.grants {
            rows.push(vec![
                u.name.clone(),
                g.database.clone(),
                g.rights.to_string(),
            ]);
        }
    }
    table(&["user", "database", "rights"], rows);
    Ok(0)
}

/// Gets the password and hashes it: the password itself stays here.
fn verifiers(from: &PasswordFrom) -> Result<Verifiers, Failed> {
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
    Ok(Verifiers(proxy::users::hash_password(&password)?.to_vec()))
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
