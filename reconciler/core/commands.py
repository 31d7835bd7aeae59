"""Masks secrets in the words of a command, by what is known of the programs that take them there.

Most programs name what is secret (`--password`), and names are told by `redact`. Others take a
secret by a letter or by its place: those are data here, from their own manuals.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from reconciler.core.redact import MASK, is_sensitive_name, mask_text


@dataclass(frozen=True, slots=True)
class Takes:
    """Where a program takes secrets.

    Attributes:
        values: Flags whose value is a secret: the next word, or what is glued to one letter.
        pairs: Flags whose value is `user:secret` (or `user%secret`); the user stays readable.
        assigned: Flags whose value is `name=secret`.
        only_with: Words of which one must be there too, for the flags to mean this.
        glued: Whether a value may stand right behind a flag of one letter.
        places: By a word, which word after it is a secret; flags aren't counted.
    """

    values: frozenset[str] = frozenset()
    pairs: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()
    only_with: frozenset[str] = frozenset()
    glued: bool = True
    places: Mapping[str, int] = field(default_factory=dict)


def _takes(
    values: str = "", pairs: str = "", assigned: str = "", only_with: str = "", **places: int
) -> Takes:
    flags = [frozenset(each.split()) for each in (values, pairs, assigned, only_with)]
    return Takes(flags[0], flags[1], flags[2], flags[3], places=places)


_LOGIN = _takes("-p", "--creds --src-creds --dest-creds", only_with="login copy pull push inspect")

#: By program. Each line's manual says so under the same letters.
_PROGRAMS: Mapping[str, Takes] = MappingProxyType(
    {
        # See mysql(1): "-p[password]"; with a space it is a slip, and the word is the password yet.
        **dict.fromkeys(
            [
                "mysql",
                "mysqldump",
                "mysqladmin",
                "mysqlimport",
                "mysqlshow",
                "mysqlcheck",
                "mysqlsh",
                "mysqlbinlog",
                "mysqlpump",
                "mysqlslap",
                "mariadb",
                "mariadb-dump",
                "mariadb-admin",
                "mariadb-import",
                "mariadb-check",
                "mariadb-backup",
                "xtrabackup",
            ],
            _takes("-p"),
        ),
        # mongosh --help, mongodump(1): "-p, --password"
        **dict.fromkeys(
            [
                "mongo",
                "mongosh",
                "mongodump",
                "mongorestore",
                "mongoexport",
                "mongoimport",
                "mongostat",
            ],
            _takes("-p"),
        ),
        # See curl(1)
        "curl": _takes("--pass --proxy-pass --oauth2-bearer", "-u --user -U --proxy-user"),
        # See etcdctl --help
        "etcdctl": _takes("", "--user"),
        # redis-cli --help
        **dict.fromkeys(("redis-cli", "valkey-cli", "keydb-cli"), _takes("-a --pass")),
        # See sshpass(1)
        "sshpass": _takes("-p"),
        # See docker-login(1), podman-login(1), skopeo-copy(1), helm registry login --help
        **dict.fromkeys(
            ["docker", "podman", "buildah", "skopeo", "nerdctl", "helm", "oras", "crane"], _LOGIN
        ),
        # See kubectl create secret generic --help
        **dict.fromkeys(
            ("kubectl", "oc", "k3s"), _takes(assigned="--from-literal", only_with="secret")
        ),
        # See ldapsearch(1)
        **dict.fromkeys(
            ["ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldappasswd", "ldapwhoami"],
            _takes("-w"),
        ),
        # See smbclient(1), rpcclient(1)
        **dict.fromkeys(("smbclient", "rpcclient"), _takes("", "-U --user")),
        # See openssl-passphrase-options(1), openssl-enc(1)
        "openssl": Takes(frozenset({"-passin", "-passout", "-pass", "-k", "-K"}), glued=False),
        # See zip(1), unzip(1), 7z's manual ("-p{Password}")
        **dict.fromkeys(("zip", "unzip"), _takes("-P")),
        **dict.fromkeys(("7z", "7za", "7zr"), _takes("-p")),
        # See keytool(1), jarsigner(1)
        **dict.fromkeys(
            ("keytool", "jarsigner"),
            _takes("-storepass -keypass -srcstorepass -deststorepass -srckeypass -destkeypass"),
        ),
        # See ssh-keygen(1)
        "ssh-keygen": _takes("-N -P"),
        # sqlcmd and bcp (Microsoft's mssql-tools)
        **dict.fromkeys(("sqlcmd", "bcp"), _takes("-P")),
        # See ipmitool(1), mosquitto_pub(1)
        **dict.fromkeys(["ipmitool", "mosquitto_pub", "mosquitto_sub"], _takes("-P")),
        # See snmpcmd(1)
        **dict.fromkeys(["snmpget", "snmpwalk", "snmpset", "snmpbulkwalk"], _takes("-A -X -c")),
        # See rabbitmqctl(8), rabbitmqadmin --help
        "rabbitmqctl": _takes(add_user=2, change_password=2, authenticate_user=2),
        "rabbitmqadmin": _takes("-p"),
        # See htpasswd(1): "-b passwordfile username password", "-nb username password"
        "htpasswd": Takes(places=MappingProxyType({"-b": 3, "-nb": 2, "-bn": 2})),
        # vault login --help
        "vault": _takes(login=1),
        # aws configure set help: the setting's name, then its value
        "aws": _takes(aws_secret_access_key=1, aws_session_token=1),
        # mc alias set --help: alias, URL, access key, secret key
        **dict.fromkeys(("mc", "mcli"), _takes(set=4)),
        # See useradd(8), usermod(8)
        **dict.fromkeys(("useradd", "usermod"), _takes("-p")),
    }
)

#: Variables that hold a secret under no name that tells: redis-cli's and sshpass' own.
_VARIABLES = re.compile(r"\b(REDISCLI_AUTH|SSHPASS|MYSQL_PWD|LDAPTLS_KEYPW)=[^\s;|&]+")

#: A word of a shell's script, as far as quotes go; and what ends a command there.
_SHELL_WORD = re.compile(r"""(?:[^\s'"\\;|&()]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+|[;|&()\n]+""")
_ENDS = re.compile(r"[;|&()\n]+\Z")

#: Scripts are looked into so deep: `sh -c "ssh host 'mysql -p…'"`.
_DEPTH = 3


def mask_command(words: Sequence[str]) -> tuple[str, ...]:
    """Gives a command's words with every secret in them that can be told replaced by `***`."""
    return tuple(_masked(words, _DEPTH))


def _masked(words: Sequence[str], depth: int) -> list[str]:
    masked: list[str] = []
    state = _State(words)
    for word in words:
        shown = state.shown(word)
        if shown is None:
            shown = _script(word, depth) if _is_script(word) else mask_text(word)
            shown = _VARIABLES.sub(rf"\1={MASK}", shown)
        masked.append(shown)
    return masked


def _is_script(word: str) -> bool:
    return any(each in word for each in " \t\n;|&")


def _script(text: str, depth: int) -> str:
    """Masks the words of a script in their places; all of one that lies too deep."""
    if not depth:
        return MASK
    text = mask_text(text)
    found = list(_SHELL_WORD.finditer(text))
    masked = _masked([_unquoted(each[0]) for each in found], depth - 1)
    parts: list[str] = []
    at = 0
    for each, shown in zip(found, masked, strict=True):
        same = shown == _unquoted(each[0])
        parts += [text[at : each.start()], each[0] if same else shown]
        at = each.end()
    return "".join((*parts, text[at:]))


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word


class _State:
    """What the words before one say of it."""

    def __init__(self, words: Sequence[str]) -> None:
        self._all = frozenset(words)
        self._takes = Takes()
        self._next = ""
        self._until = 0

    def shown(self, word: str) -> str | None:
        """Gives a word as it is shown, if the words before it or its program decide that."""
        if _ENDS.match(word):
            self._takes, self._next, self._until = Takes(), "", 0
            return word
        follows, self._next = self._next, ""
        if follows and (follows != "named" or not word.startswith("-")):
            return self._value(follows, word)
        name = word.rpartition("/")[2]
        if name in _PROGRAMS:
            self._takes, self._until = _PROGRAMS[name], 0
            return word
        if word in self._takes.places:
            self._until = self._takes.places[word]
            return word
        if self._until and not word.startswith("-"):
            self._until -= 1
            return MASK if self._until == 0 else None
        return self._flag(word) if word.startswith("-") else None

    def _flag(self, word: str) -> str | None:
        takes = self._takes
        applies = not takes.only_with or bool(takes.only_with & self._all)
        kinds = (("value", takes.values), ("pair", takes.pairs), ("assigned", takes.assigned))
        for kind, flags in kinds if applies else ():
            if word in flags:
                self._next = kind
                return word
            name, is_assigned, value = word.partition("=")
            if is_assigned and name in flags:
                return f"{name}={self._value(kind, value)}"
            if takes.glued and not word.startswith("--") and word[:2] in flags:
                return word[:2] + self._value(kind, word[2:])
        # `--password x` and `-password x`; in `--password=x` the word itself tells.
        self._next = "named" if is_sensitive_name(word) else ""
        return None

    @staticmethod
    def _value(kind: str, word: str) -> str:
        if word.startswith("$"):
            return word
        separator = {"pair": "[:%]", "assigned": "="}.get(kind)
        if separator is None:
            return MASK
        name, *secret = re.split(separator, word, maxsplit=1)
        return word[: len(name) + 1] + MASK if secret else word
