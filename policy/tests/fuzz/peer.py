"""What joserfc says of tokens: keys and terms on the first line, then a token a line; `accept` or `refuse` a line back."""

import json
import sys

from joserfc import jwt
from joserfc.jwk import KeySet

terms = json.loads(sys.stdin.readline())
keys = KeySet.import_key_set(terms["jwks"])
claims = jwt.JWTClaimsRegistry(
    now=terms["now"],
    leeway=terms["leeway"],
    iss={"essential": True, "value": terms["issuer"]},
    aud={"essential": True, "value": terms["audience"]},
    sub={"essential": True},
    exp={"essential": True},
    iat={"essential": True},
)
for line in sys.stdin:
    try:
        token = jwt.decode(bytes.fromhex(line.strip()), keys, algorithms=terms["algorithms"])
        claims.validate(token.claims)
        print("accept")
    except Exception:
        print("refuse")
