//! The cluster's token: whoever has it may read and change the catalog.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Shortest token that is taken.
const TOKEN_CHARS_MIN: usize = 16;
/// Bytes of a token that is made here.
const TOKEN_BYTES: usize = 32;

/// Reads a token file, which nobody but its owner may read.
pub fn read(path: &Path) -> Result<String, String> {
    let at = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| format!("{at}: {e}"))?;
    let token = text.trim();
    if token.len() < TOKEN_CHARS_MIN || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!(
            "{at}: a token has at least {TOKEN_CHARS_MIN} letters and digits; make one with: \
             openssl rand -hex 32"
        ));
    }
    let mode = std::fs::metadata(path)
        .map_err(|e| format!("{at}: {e}"))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(format!(
            "{at}: others may read the token; run: chmod 600 {at}"
        ));
    }
    Ok(token.to_string())
}

/// Reads a token file, or makes one.
pub fn read_or_make(path: &Path) -> Result<String, String> {
    if !path.exists() {
        let token = crate::request::random_hex(TOKEN_BYTES).map_err(|e| e.to_string())?;
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        file.and_then(|mut f| writeln!(f, "{token}"))
            .map_err(|e| format!("{}: {e}", path.display()))?;
    }
    read(path)
}
