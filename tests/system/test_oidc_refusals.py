"""Who is refused at a login by a provider of OpenID Connect, what the audit tells of it, and how often somebody may try."""

import re
import unittest
import urllib.parse

from cells import until
from harness import Client, run_varro
from oidc_world import OidcTest, Person, is_in


class Refusals(OidcTest):
    @staticmethod
    def refusals_of(varro):
        return run_varro("audit", "list", "--action", "login.refused", "--data", str(varro.data), "--csv").stdout

    def test_refused_logins_are_in_the_audit_by_their_kind(self):
        with self.own_server() as varro:
            self.assertEqual(Person(varro).log_in("ada").status, 303)
            stranger = Person(varro)
            self.assertEqual(stranger.log_in("nobody-of-that-name").status, 403)
            self.provider.control(mode="signature")
            self.assertEqual(Person(varro).log_in("bob").status, 403)
            self.provider.control(mode="", user="ada", groups=["others"])
            self.assertEqual(Person(varro).log_in("ada").status, 403)
            self.provider.control(user="ada", groups=["staff"])
            self.assertEqual(run_varro("user", "disable", "ada", "--data", str(varro.data)).returncode, 0)
            self.assertEqual(Person(varro).log_in("ada").status, 403)
            until(lambda: self.refusals_of(varro).count("login.refused") == 4, "all four are told")
            rows = self.refusals_of(varro).splitlines()[1:]
            for row, words, about in zip(rows, ("let nobody in", "not to be believed", "groups that may come in",
                                                "the user is disabled"), ("", "", "ada", "ada"), strict=True):
                self.assertIn(words, row)
                self.assertIn(f",login.refused,{about},", row)
                self.assertIn("127.0.0.1", row)
                self.assertIn(self.provider.issuer, row)
            # Neither what the provider said nor what came with the address.
            self.assertNotRegex("".join(rows), "nobody of that name|nobody-of-that-name|access_denied|eyJ")
            self.assertEqual(run_varro("audit", "verify", "--data", str(varro.data)).returncode, 0)

    def test_tokens_that_are_not_what_they_should_be_are_refused(self):
        for mode in ("issuer", "nonce", "audience", "expired", "future", "none", "signature", "hmac", "sender"):
            with self.subTest(mode):
                self.provider.control(mode=mode)
                person = Person(self.varro)
                self.assert_refused(person, person.log_in("ada"))
                self.provider.control(mode="")
                self.assertEqual(person.log_in("ada").status, 303)

    def test_an_answer_is_taken_once(self):
        ada = Person(self.varro)
        back = ada.way_back("ada")
        flow = ada.cookie("varro_oidc")
        self.assertEqual(ada.open(back).status, 303)
        self.assertEqual(ada.open(back).status, 403)
        # Also from who kept the cookie; and the code alone, in a login of their own, is worth nothing.
        thief = Client(self.varro)
        thief.cookies["varro_oidc"] = flow
        self.assertEqual(thief.get(back.removeprefix(ada.base)).status, 403)
        other = Person(self.varro)
        fields = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
        own = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(other.way_back("bob")).query))
        self.assert_refused(other, other.open("/login/oidc/callback?" + urllib.parse.urlencode(
            {**own, "code": fields["code"]})))

    def test_nobody_is_logged_in_by_an_answer_that_another_browser_began(self):
        mallory, victim = Person(self.varro), Person(self.varro)
        back = mallory.way_back("bob")
        self.assert_refused(victim, victim.open(back))
        victim.open("/login/oidc")
        self.assert_refused(victim, victim.open(back))
        # Mallory's own login was not used up by it.
        self.assertEqual(mallory.open(back).status, 303)

    def test_a_login_that_the_provider_refuses_says_so(self):
        person = Person(self.varro)
        self.assert_refused(person, person.log_in("nobody-of-that-name"))
        self.assertEqual(person.log_in("ada").status, 303)

    def begun(self, varro, source=None):
        """A browser with a login under way, and the address of a way back that the provider never led to."""
        client = Client(varro, source=source)
        begun = client.get("/login/oidc")
        self.assertEqual(begun.status, 303, begun.text)
        state = urllib.parse.parse_qs(urllib.parse.urlsplit(begun.headers["location"]).query)["state"][0]
        fields = {"state": state, "code": "x", "iss": self.provider.issuer}
        return client, "/login/oidc/callback?" + urllib.parse.urlencode(fields)

    def test_an_address_that_fails_again_and_again_has_to_wait_and_does_not_fill_the_audit(self):
        with self.own_server(VARRO_AUTH_ATTEMPTS_WINDOW_SECONDS="600") as varro:
            attempts = [self.begun(varro) for _ in range(31)]
            statuses = [client.get(back).status for client, back in attempts]
            self.assertEqual(statuses, [403] * 30 + [429])
            self.assertEqual(Client(varro).get("/login/oidc").status, 429)
            other, back = self.begun(varro, source="127.0.0.2")  # everybody else goes on
            self.assertEqual(other.get(back).status, 403)
            until(lambda: re.search(r'refused_before"+:12\b', self.refusals_of(varro)), "the other address is told of")
            self.assertEqual(self.refusals_of(varro).count("login.refused"), 21)  # 20 of the first one

    def test_states_that_nobody_gave_out_to_this_browser_cost_nothing(self):
        with self.own_server(VARRO_AUTH_ATTEMPTS_WINDOW_SECONDS="600") as varro:
            ada = Person(varro)
            back = ada.way_back("ada")
            without, (other, _), (_, of_somebody) = Client(varro), self.begun(varro), self.begun(varro)
            for address in [f"/login/oidc/callback?state={i}&code=x" for i in range(40)] + [of_somebody] * 40:
                self.assertEqual((without.get(address).status, other.get(address).status), (403, 403))
            # Nor does it end the login that is under way where somebody follows such an address.
            self.assertEqual(ada.open("/login/oidc/callback?state=0&code=x").status, 403)
            self.assertEqual(ada.open(back).status, 303)
            # One that counts comes after them.
            other, real = self.begun(varro)
            self.assertEqual(other.get(real).status, 403)
            until(lambda: "login.refused" in self.refusals_of(varro), "it is told of")
            self.assertEqual(self.refusals_of(varro).count("login.refused"), 1)

    def test_orders_to_log_out_that_are_refused_keep_nobody_from_logging_in(self):
        with self.own_server(VARRO_AUTH_ATTEMPTS_WINDOW_SECONDS="600") as varro:
            stranger = Client(varro)
            statuses = [stranger.post("/logout/backchannel", {"logout_token": "x"}).status for _ in range(31)]
            self.assertEqual(statuses, [400] * 30 + [429])
            self.assertEqual(Person(varro).log_in("ada").status, 303)

    def test_an_order_to_log_out_that_the_provider_did_not_sign_ends_nothing(self):
        ada = self.logged_in("ada").client()
        stranger = Client(self.varro)
        for token in ("", "x", "e30.e30.e30", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."):
            self.assertEqual(stranger.post("/logout/backchannel", {"logout_token": token}).status, 400, token)
        self.assertTrue(is_in(ada))


if __name__ == "__main__":
    unittest.main(verbosity=2)
