"""What pysaml2's identity provider says about somebody, signed by xmlsec1, on standard output.

    make_assertion.py assertion|response KEY CERTIFICATE ISSUER SUBJECT AUDIENCE RECIPIENT
"""

import sys

from saml2 import BINDING_HTTP_POST, saml
from saml2.config import IdPConfig
from saml2.saml import NAMEID_FORMAT_UNSPECIFIED, NameID
from saml2.server import Server
from saml2.samlp import response_from_string
from saml2.sigver import pre_signature_part
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

form, key, certificate, issuer, subject, audience, recipient = sys.argv[1:]
server = Server(
    config=IdPConfig().load(
        {
            "entityid": issuer,
            "key_file": key,
            "cert_file": certificate,
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "service": {
                "idp": {
                    "endpoints": {"single_sign_on_service": [("https://idp.example/sso", BINDING_HTTP_POST)]},
                    "policy": {"default": {"lifetime": {"minutes": 5}}},
                }
            },
        }
    )
)
methods = {"sign_alg": SIG_RSA_SHA256, "digest_alg": DIGEST_SHA256}
response = server.create_authn_response(
    {},
    None,
    recipient,
    sp_entity_id=audience,
    userid=subject,
    name_id=NameID(format=NAMEID_FORMAT_UNSPECIFIED, text=subject),
    authn={"class_ref": saml.AUTHN_PASSWORD, "authn_auth": issuer},
    sign_assertion=True,
    sign_response=False,
    **methods,
)
if form == "assertion":
    # Signed anew by itself: what is cut out of a response has lost the namespaces of what was around it.
    (assertion,) = response_from_string(str(response)).assertion
    assertion.signature = pre_signature_part(assertion.id, server.sec.my_cert, **methods)
    name = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"
    response = server.sec.sign_statement(str(assertion), name, node_id=assertion.id)
print(response)
