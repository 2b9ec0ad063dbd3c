"""An authorization server by Authlib and Flask on 127.0.0.1, with the grant of RFC 7523 that Authlib brings.

    authlib_server.py CERTIFICATE CLIENT USER

Prints its address. The grant of RFC 7522 is not in Authlib; the one here has xmlsec1 check the signature. The certificate
is the client's for both. Every request to the token endpoint is told on standard output.
"""

import base64
import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import BaseGrant, InvalidGrantError, TokenEndpointMixin
from authlib.oauth2.rfc6749.models import ClientMixin
from authlib.oauth2.rfc7523 import JWTBearerGrant
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from flask import Flask, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

certificate_file, client_id, user = sys.argv[1:]
with open(certificate_file, "rb") as file:
    certificate = load_pem_x509_certificate(file.read())
public_key = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SAML_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"
app = Flask(__name__)


class Client(ClientMixin):
    def get_client_id(self):
        return client_id

    def get_allowed_scope(self, scope):
        return scope if scope == "lamp" else ""

    def check_grant_type(self, grant_type):
        return grant_type in (JWTBearerGrant.GRANT_TYPE, SAML_BEARER)

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "none"


client = Client()


class JwtGrant(JWTBearerGrant):
    def resolve_issuer_client(self, issuer):
        return client if issuer == client_id else None

    def resolve_client_key(self, client, headers, payload):
        return public_key

    def authenticate_user(self, subject):
        return subject if subject == user else None

    def has_granted_permission(self, client, user):
        return True


class SamlGrant(BaseGrant, TokenEndpointMixin):
    GRANT_TYPE = SAML_BEARER
    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

    def validate_token_request(self):
        self.request.client = self.authenticate_token_endpoint_client()
        encoded = self.request.form.get("assertion", "")
        xml = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        with tempfile.NamedTemporaryFile(suffix=".xml") as file:
            file.write(xml)
            file.flush()
            id_attribute = ["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"]
            checked = subprocess.run(
                ["xmlsec1", "--verify", "--trusted-pem", certificate_file, *id_attribute, file.name],
                capture_output=True,
            )
        assertion = ET.fromstring(xml)
        recipient = assertion.find(f".//{SAML}SubjectConfirmationData").get("Recipient")
        subject = assertion.findtext(f"{SAML}Subject/{SAML}NameID")
        issuer = assertion.findtext(f"{SAML}Issuer")
        wanted = (SAML + "Assertion", token_url, user, client_id)
        if checked.returncode != 0 or (assertion.tag, recipient, subject, issuer) != wanted:
            raise InvalidGrantError(description="the assertion does not stand up to checking")
        self.request.user = subject

    def create_token_response(self):
        token = self.generate_token(
            user=self.request.user, scope=self.request.scope, include_refresh_token=False
        )
        return 200, token, self.TOKEN_RESPONSE_HEADER


server = AuthorizationServer(app, query_client=lambda id: client if id == client_id else None)
server.save_token = lambda token, request: None
server.register_grant(JwtGrant)
server.register_grant(SamlGrant)


@app.get("/.well-known/oauth-authorization-server")
def metadata():
    return jsonify(issuer=issuer, token_endpoint=token_url, token_endpoint_auth_methods_supported=["none"])


@app.post("/token")
def token():
    answer = server.create_token_response()
    told = {"grantType": request.form.get("grant_type"), "status": answer.status_code}
    print(json.dumps(told | {"error": answer.get_json().get("error_description")}), flush=True)
    return answer


class Quiet(WSGIRequestHandler):
    def log_request(self, *args):
        pass


http = make_server("127.0.0.1", 0, app, request_handler=Quiet)
issuer = f"http://127.0.0.1:{http.port}"
token_url = f"{issuer}/token"
# RFC 7523 section 3: the audience is this server, and what has been used is remembered for as long as it lasts.
JwtGrant.CLAIMS_OPTIONS = JWTBearerGrant.CLAIMS_OPTIONS | {
    "aud": {"essential": True, "value": token_url},
    "jti": {"essential": True},
}
print(issuer, flush=True)
http.serve_forever()
