//! Where the next page is. Decided purely.

use reqwest::Url;
use reqwest::header::{HeaderMap, LINK};

use super::page::Page;
use super::target::Paging;

/// Sets a query parameter, in place of those of the same name; the others stay as they were written.
pub(super) fn set_query(url: &mut Url, name: &str, value: &str) {
    let same = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default();
        url::form_urlencoded::parse(key.as_bytes()).next().is_some_and(|(key, _)| key == name)
    };
    let kept: Vec<&str> =
        url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    let mut kept: Vec<String> =
        kept.iter().filter(|pair| !same(pair)).map(|pair| (*pair).to_owned()).collect();
    kept.push(url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish());
    url.set_query(Some(&kept.join("&")));
}

/// The address of the first page.
pub(super) fn first(paging: Option<&Paging>, mut url: Url) -> Url {
    let (parameter, start, size_parameter, size) = match paging {
        Some(Paging::Page { parameter, start, size_parameter, size }) => {
            (parameter, *start, size_parameter, size.unwrap_or(0))
        }
        Some(Paging::Offset { parameter, size_parameter, size }) => (parameter, 0, size_parameter, *size),
        _ => return url,
    };
    set_query(&mut url, parameter, &start.to_string());
    if let Some(name) = size_parameter {
        set_query(&mut url, name, &size.to_string());
    }
    url
}

/// The address of the page behind the one at `url`, which is the `number`th, from 1; with it so many records have been read.
/// Errors: what is wrong with what the page says.
pub(super) fn next(
    paging: Option<&Paging>,
    url: &Url,
    (number, records): (u64, u64),
    headers: &HeaderMap,
    page: &Page,
) -> Result<Option<Url>, String> {
    let join = |text: &str| {
        url.join(text).map(Some).map_err(|_| "the address of the next page cannot be read".to_owned())
    };
    let with = |name: &str, value: &str| {
        let mut next = url.clone();
        set_query(&mut next, name, value);
        Ok(Some(next))
    };
    match paging {
        None => Ok(None),
        Some(Paging::LinkHeader {}) => {
            let values = headers.get_all(LINK).into_iter().filter_map(|value| value.to_str().ok());
            let links: Vec<String> = values.filter_map(next_link).collect();
            links.first().map_or(Ok(None), |link| join(link))
        }
        Some(Paging::NextLink { .. }) => page.pointer.as_deref().map_or(Ok(None), join),
        Some(Paging::Cursor { parameter, .. }) => {
            page.pointer.as_deref().map_or(Ok(None), |cursor| with(parameter, cursor))
        }
        Some(Paging::Page { .. } | Paging::Offset { .. }) if page.records == 0 => Ok(None),
        Some(Paging::Page { parameter, start, .. }) => {
            with(parameter, &start.saturating_add(number).to_string())
        }
        // An API may give other pages than it is asked for.
        Some(Paging::Offset { parameter, .. }) => with(parameter, &records.to_string()),
    }
}

/// The target of the first link with `rel="next"` of a `Link` header. Source: RFC 8288 §3.
fn next_link(value: &str) -> Option<String> {
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (target, behind) = rest.strip_prefix('<')?.split_once('>')?;
        let (parameters, behind) = split_link(behind);
        for (name, text) in parameters {
            let is_next = text.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next"));
            if name.eq_ignore_ascii_case("rel") && is_next {
                return Some(target.trim().to_owned());
            }
        }
        rest = behind;
    }
}

/// The parameters of a link, and what follows its comma.
fn split_link(text: &str) -> (Vec<(String, String)>, &str) {
    let mut parameters = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let Some(behind) = rest.strip_prefix(';') else {
            return (parameters, rest);
        };
        let behind = behind.trim_start_matches([' ', '\t']);
        let end = behind.find(['=', ';', ',']).unwrap_or(behind.len());
        let name = behind[..end].trim().to_owned();
        rest = &behind[end..];
        let Some(value) = rest.strip_prefix('=') else {
            parameters.push((name, String::new()));
            continue;
        };
        let value = value.trim_start_matches([' ', '\t']);
        let text;
        (text, rest) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = value.find([';', ',']).unwrap_or(value.len());
                (value[..end].trim().to_owned(), &value[end..])
            }
        };
        parameters.push((name, text));
    }
}

/// A quoted text without its quotes and escapes, and what follows.
fn unquoted(text: &str) -> (String, &str) {
    let mut found = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (found, &text[at + 1..]),
            '\\' => found.extend(characters.next().map(|(_, escaped)| escaped)),
            other => found.push(other),
        }
    }
    (found, "")
}
