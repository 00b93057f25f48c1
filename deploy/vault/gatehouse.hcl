# What Gatehouse may do in Vault: make and use its own Transit keys, and keep its token. `gatehouse keys init --home vault`
# puts this policy in place. There is no way from here to a private key: no export, no backup, no restore, no import.

# Makes keys, reads their public halves and versions, rotates and at last deletes them. What is denied would make a key that
# can leave, or bring one in from elsewhere.
path "transit/keys/gatehouse-*" {
  capabilities = ["create", "read", "update", "delete"]
  denied_parameters = {
    "exportable"             = []
    "allow_plaintext_backup" = []
    "ciphertext"             = []
    "public_key"             = []
  }
}

# `update` alone: with `create`, encrypting under a name that is not there would make a key.
path "transit/sign/gatehouse-*" {
  capabilities = ["update"]
}

path "transit/encrypt/gatehouse-*" {
  capabilities = ["update"]
}

path "transit/decrypt/gatehouse-*" {
  capabilities = ["update"]
}

# Whether keys can be made by using them; Gatehouse looks at its start.
path "transit/config/keys" {
  capabilities = ["read"]
}

# Its own token: how long it lasts, longer, and no longer.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}
