//! DSSE envelopes: <https://github.com/secure-systems-lab/dsse/blob/master/envelope.md>, with Ed25519 signatures.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the payload of our envelopes is.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The bytes that are signed: `DSSEv1 <length of type> <type> <length of body> <body>`, lengths in decimal.
#[must_use]
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        body.len()
    )
    .into_bytes();
    out.extend_from_slice(body);
    out
}

/// The name of a key: `ed25519:` and the public key itself, in the base64 of addresses. Whoever has a record can check
/// its signature; whose key it is, is another question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    fn public(&self) -> Option<VerifyingKey> {
        let text = self.0.strip_prefix("ed25519:")?;
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        VerifyingKey::from_bytes(&bytes).ok()
    }
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A private key. Never printed.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id())
    }
}

impl SigningKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }
    /// Its public name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let public = self.0.verifying_key();
        KeyId(format!(
            "ed25519:{}",
            URL_SAFE_NO_PAD.encode(public.as_bytes())
        ))
    }
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// Whose.
    pub keyid: KeyId,
    /// Base64.
    pub sig: String,
}

/// An envelope as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Base64 of the payload.
    pub payload: String,
    /// What the payload is.
    pub payload_type: String,
    /// Who signed it. Empty where there was no key: a record is never refused for that.
    pub signatures: Vec<EnvelopeSignature>,
}

/// Why an envelope is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is no envelope.
    #[error("it is no DSSE envelope: {0}")]
    Unreadable(String),
    /// The payload is something else.
    #[error("its payload is `{0}`")]
    PayloadType(String),
    /// A signature does not fit the payload.
    #[error("its signature by `{0}` does not fit its content")]
    Signature(String),
}

impl Envelope {
    /// Wraps a payload, signed where there is a key.
    #[must_use]
    pub fn seal(payload: &[u8], key: Option<&SigningKey>) -> Self {
        let signatures = key
            .map(|key| EnvelopeSignature {
                keyid: key.id(),
                sig: STANDARD.encode(key.0.sign(&pae(PAYLOAD_TYPE, payload)).to_bytes()),
            })
            .into_iter()
            .collect();
        Self {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures,
        }
    }

    /// As it is stored: one line of JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Three fields of plain text always serialise.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads an envelope and checks every signature on it. Returns the payload and who signed it; nobody is a fact to be
    /// told, no error.
    ///
    /// # Errors
    /// It is no envelope, or a signature does not fit.
    pub fn open(bytes: &[u8]) -> Result<(Vec<u8>, Vec<KeyId>), EnvelopeError> {
        let envelope: Self = serde_json::from_slice(bytes)
            .map_err(|why| EnvelopeError::Unreadable(why.to_string()))?;
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType(
                envelope.payload_type.chars().take(80).collect(),
            ));
        }
        let payload = STANDARD
            .decode(&envelope.payload)
            .map_err(|why| EnvelopeError::Unreadable(why.to_string()))?;
        let mut signers = Vec::new();
        let signed = pae(&envelope.payload_type, &payload);
        for EnvelopeSignature { keyid, sig } in envelope.signatures {
            let fits = keyid.public().is_some_and(|public| {
                STANDARD
                    .decode(&sig)
                    .ok()
                    .and_then(|sig| Signature::from_slice(&sig).ok())
                    .is_some_and(|sig| public.verify_strict(&signed, &sig).is_ok())
            });
            if !fits {
                return Err(EnvelopeError::Signature(keyid.0.chars().take(80).collect()));
            }
            signers.push(keyid);
        }
        Ok((payload, signers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (`protocol.md`): this type and body give these bytes.
    #[test]
    fn c8_the_signed_bytes_are_those_of_the_specification() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
        // Lengths are of bytes, and the body is taken as it is.
        assert_eq!(
            pae("t", "é\0\n".as_bytes()),
            "DSSEv1 1 t 4 é\0\n".as_bytes()
        );
    }

    /// RFC 8032, section 7.1, test 1: the public key of that private key.
    #[test]
    fn c8_a_key_has_the_public_key_of_the_standard() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len() / 2)
                .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap())
                .collect()
        };
        let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let key = SigningKey::from_seed(&seed.try_into().unwrap());
        assert_eq!(
            key.id().as_str(),
            format!("ed25519:{}", URL_SAFE_NO_PAD.encode(public))
        );
        assert!(!format!("{key:?}").contains("9d61"), "it is never printed");
    }

    #[test]
    fn c8_an_envelope_is_opened_and_any_change_of_it_is_not() {
        let key = SigningKey::from_seed(&[7; 32]);
        let bytes = Envelope::seal(b"{\"a\":1}", Some(&key)).to_bytes();
        let (payload, signers) = Envelope::open(&bytes).unwrap();
        assert_eq!(
            (payload.as_slice(), signers.as_slice()),
            (&b"{\"a\":1}"[..], &[key.id()][..])
        );
        let mut envelope: Envelope = serde_json::from_slice(&bytes).unwrap();
        envelope.payload = STANDARD.encode(b"{\"a\":2}");
        let changed = Envelope::open(&envelope.to_bytes()).unwrap_err();
        assert!(matches!(changed, EnvelopeError::Signature(_)), "{changed}");
        let mut envelope: Envelope = serde_json::from_slice(&bytes).unwrap();
        envelope.signatures[0].keyid = SigningKey::from_seed(&[8; 32]).id();
        assert!(Envelope::open(&envelope.to_bytes()).is_err());
        let unsigned = Envelope::seal(b"x", None).to_bytes();
        assert_eq!(
            Envelope::open(&unsigned).unwrap(),
            (b"x".to_vec(), Vec::new())
        );
    }
}
