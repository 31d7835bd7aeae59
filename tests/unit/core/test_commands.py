"""Secrets in the words of commands."""

import shlex

import pytest

from reconciler.core.commands import mask_command


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        # By name, whatever the program.
        (
            "app --password S --token=S -u me --secret --all",
            "app --password *** --token=*** -u me --secret --all",
        ),
        ("PGPASSWORD=S psql -h db", "PGPASSWORD=*** psql -h db"),
        ("env REDISCLI_AUTH=S redis-cli ping", "env REDISCLI_AUTH=*** redis-cli ping"),
        ("wget --http-password=S http://u:S@h/", "wget --http-password=*** http://u:***@h/"),
        # By a letter.
        ("mysql -u root -pS shop", "mysql -u root -p*** shop"),
        ("/usr/bin/mysqldump -p S shop", "/usr/bin/mysqldump -p *** shop"),
        ("mysql -P 3306 -p$PASS", "mysql -P 3306 -p$PASS"),
        (
            "curl -u ann:S -H 'Authorization: Bearer S' https://h",
            "curl -u ann:*** -H 'Authorization: Bearer ***' https://h",
        ),
        (
            "curl -uann:S --proxy-user=ben:S --user ann",
            "curl -uann:*** --proxy-user=ben:*** --user ann",
        ),
        ("redis-cli -a S ping", "redis-cli -a *** ping"),
        ("sshpass -pS ssh ann@h", "sshpass -p*** ssh ann@h"),
        ("sshpass -p S mysql -pS", "sshpass -p *** mysql -p***"),
        ("docker login -u ann -p S h", "docker login -u ann -p *** h"),
        ("docker run -p 80:80 web", "docker run -p 80:80 web"),
        ("skopeo copy --src-creds ann:S a b", "skopeo copy --src-creds ann:*** a b"),
        ("smbclient -U ann%S //h/x", "smbclient -U ann%*** //h/x"),
        ("openssl req -keyout k.pem -passout pass:S", "openssl req -keyout k.pem -passout ***"),
        (
            "kubectl create secret generic a --from-literal=colour=S --from-literal b=S",
            "kubectl create secret generic a --from-literal=colour=*** --from-literal b=***",
        ),
        (
            "kubectl create configmap a --from-literal=colour=red",
            "kubectl create configmap a --from-literal=colour=red",
        ),
        ("kubectl exec db -- mysql -pS", "kubectl exec db -- mysql -p***"),
        # By its place.
        ("rabbitmqctl -n node add_user ann S", "rabbitmqctl -n node add_user ann ***"),
        ("htpasswd -b file ann S", "htpasswd -b file ann ***"),
        ("vault login -no-print S", "vault login -no-print ***"),
        ("mc alias set a https://h KEY S x", "mc alias set a https://h KEY *** x"),
        (
            "aws configure set aws_secret_access_key S",
            "aws configure set aws_secret_access_key ***",
        ),
        # In a shell's script, however deep.
        ("sh -c 'mysql -pS shop; ls -p x'", "sh -c 'mysql -p*** shop; ls -p x'"),
        (
            "sh -c \"cd /x && redis-cli -a 'S' ping | cat\"",
            "sh -c 'cd /x && redis-cli -a *** ping | cat'",
        ),
        ("sh -c 'bash -c \"mysql -pS\"'", "sh -c 'bash -c mysql -p***'"),
        ("sh -c 'echo it is \"as it was\"'", "sh -c 'echo it is \"as it was\"'"),
        ("sh -c 'REDISCLI_AUTH=S redis-cli'", "sh -c 'REDISCLI_AUTH=*** redis-cli'"),
        # Programs of which nothing is known.
        ("grep -p x -u a:b", "grep -p x -u a:b"),
        ("", ""),
    ],
)
def test_secrets_in_a_command_are_masked(command: str, shown: str) -> None:
    assert mask_command(shlex.split(command)) == tuple(shlex.split(shown))


def test_scripts_in_scripts_come_to_an_end() -> None:
    word = "mysql -pS"
    for _ in range(6):
        word = f"sh -c {shlex.quote(word)}"
    assert "-pS" not in " ".join(mask_command(["sh", "-c", word]))
