//! Where the cache is, whom to ask, and as whom: from the environment, by huggingface_hub's rules.

use std::path::{Path, PathBuf};

use super::HubError;
use crate::download::Secret;

/// What the environment says about the hub.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of the cache.
    pub cache: PathBuf,
    /// The server, without a slash at its end: `HF_ENDPOINT`.
    pub endpoint: String,
    /// The variable that forbids to ask the network, if one does.
    pub offline: Option<&'static str>,
    /// Who asks.
    pub token: Option<Secret>,
}

/// The folder of the cache: `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE` (older), `$HF_HOME/hub`,
/// `$XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`.
pub fn cache_folder() -> Option<PathBuf> {
    cache_by(&variable)
}

impl Settings {
    /// What this process's environment says. The token is `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN` (older), or the content
    /// of the file `HF_TOKEN_PATH`, else `$HF_HOME/token`; `HF_HUB_DISABLE_IMPLICIT_TOKEN` turns it off.
    ///
    /// # Errors
    /// [`HubError::NoCache`], [`HubError::Token`].
    pub fn of_environment() -> Result<Self, HubError> {
        Self::by(&variable)
    }

    fn by(env: &dyn Fn(&str) -> Option<String>) -> Result<Self, HubError> {
        let cache = cache_by(env).ok_or(HubError::NoCache)?;
        let endpoint = env("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        let offline = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
            .into_iter()
            .find(|name| env(name).is_some())
            .filter(|name| is_true(env, name));
        let token = match is_true(env, "HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            true => None,
            false => token_by(env)?,
        };
        Ok(Self { cache, endpoint: endpoint.trim_end_matches('/').to_owned(), offline, token })
    }
}

/// A variable of this process; one that is empty is not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn is_true(env: &dyn Fn(&str) -> Option<String>, name: &str) -> bool {
    env(name)
        .is_some_and(|value| ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str()))
}

fn cache_by(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    env("HF_HUB_CACHE")
        .or_else(|| env("HUGGINGFACE_HUB_CACHE"))
        .map(|path| expanded(&path, env))
        .or_else(|| Some(home_by(env)?.join("hub")))
}

/// Hugging Face's own folder.
fn home_by(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if let Some(home) = env("HF_HOME") {
        return Some(expanded(&home, env));
    }
    let base = match env("XDG_CACHE_HOME") {
        Some(folder) => expanded(&folder, env),
        None => Path::new(&env("HOME")?).join(".cache"),
    };
    Some(base.join("huggingface"))
}

/// A path with `~`, `$NAME` and `${NAME}` replaced; a variable that is not set stays as it is.
fn expanded(path: &str, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let mut path = path.to_owned();
    if let Some(home) = env("HOME")
        && (path == "~" || path.starts_with("~/"))
    {
        path.replace_range(..1, &home);
    }
    let (mut text, mut rest) = (String::new(), path.as_str());
    while let Some(at) = rest.find('$') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, end) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, end)) => (name, end),
            None => after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len())),
        };
        text.push_str(before);
        match env(name) {
            Some(value) => text.push_str(&value),
            None => text.push_str(&rest[at..rest.len() - end.len()]),
        }
        rest = end;
    }
    PathBuf::from(text + rest)
}

fn token_by(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Secret>, HubError> {
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        if let Some(token) = env(name) {
            return secret(&token, name.to_owned());
        }
    }
    let file = match env("HF_TOKEN_PATH") {
        Some(path) => expanded(&path, env),
        None => match home_by(env) {
            Some(home) => home.join("token"),
            None => return Ok(None),
        },
    };
    match std::fs::read_to_string(&file) {
        Ok(token) => secret(&token, file.display().to_string()),
        // No token is the usual case.
        Err(_) => Ok(None),
    }
}

fn secret(token: &str, origin: String) -> Result<Option<Secret>, HubError> {
    let token: String = token.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    match token.trim() {
        "" => Ok(None),
        token => Secret::new(token).map(Some).ok_or(HubError::Token { origin }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(set: &[(&str, &str)]) -> Result<Settings, HubError> {
        let set: Vec<(String, String)> =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::by(&move |name| {
            set.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        })
    }

    fn cache(set: &[(&str, &str)]) -> String {
        settings(set).expect("settings").cache.display().to_string()
    }

    #[test]
    fn the_cache_is_where_hugging_face_has_it() {
        assert_eq!(cache(&[("HOME", "/h")]), "/h/.cache/huggingface/hub");
        assert_eq!(cache(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]), "/x/huggingface/hub");
        let all = [
            ("HF_HUB_CACHE", "~/c"),
            ("HUGGINGFACE_HUB_CACHE", "/older"),
            ("HF_HOME", "${HOME}/f/$NONE-$HOME"),
            ("HOME", "/h"),
        ];
        assert_eq!(cache(&all), "/h/c");
        assert_eq!(cache(&all[1..]), "/older");
        assert_eq!(cache(&all[2..]), "/h/f/$NONE-/h/hub");
        assert!(matches!(settings(&[]), Err(HubError::NoCache)));
    }

    #[test]
    fn offline_is_what_the_first_variable_says() {
        let offline =
            |set: &[(&str, &str)]| settings(&[set, &[("HOME", "/h")]].concat()).unwrap().offline;
        assert_eq!(offline(&[]), None);
        assert_eq!(offline(&[("HF_HUB_OFFLINE", "yes")]), Some("HF_HUB_OFFLINE"));
        assert_eq!(offline(&[("TRANSFORMERS_OFFLINE", "1")]), Some("TRANSFORMERS_OFFLINE"));
        assert_eq!(offline(&[("HF_HUB_OFFLINE", "0"), ("TRANSFORMERS_OFFLINE", "1")]), None);
    }

    #[test]
    fn tokens_come_from_variables_or_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().to_str().expect("UTF-8");
        let token = |set: &[(&str, &str)]| settings(&[set, &[("HF_HOME", home)]].concat());
        let some = |token| Secret::new(token);
        assert_eq!(token(&[]).unwrap().token, None);
        std::fs::write(folder.path().join("token"), "hf_file\n").expect("written");
        assert_eq!(token(&[]).unwrap().token, some("hf_file"));
        let older = ("HUGGING_FACE_HUB_TOKEN", "hf_older");
        assert_eq!(token(&[older]).unwrap().token, some("hf_older"));
        assert_eq!(token(&[older, ("HF_TOKEN", " hf_new ")]).unwrap().token, some("hf_new"));
        assert_eq!(token(&[("HF_TOKEN_PATH", "/none")]).unwrap().token, None);
        assert_eq!(token(&[("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"), older]).unwrap().token, None);
        let error = token(&[("HF_TOKEN", "secret with blanks")]).unwrap_err().to_string();
        assert!(error.contains("HF_TOKEN") && !error.contains("blanks"), "{error}");
    }
}
