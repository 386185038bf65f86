"""Passwords against bcrypt hashes, by whatever this host has for that."""

import pytest

from tocsin_schema.web.password import LIBRARIES, by_crypt, by_package, checker, fault

WAYS = {library: by_crypt(library) for library in LIBRARIES} | {"bcrypt": by_package()}
HERE = {name: check for name, check in WAYS.items() if check and not name.startswith("libc.musl")}
# From the published test vectors of crypt_blowfish (wrapper.c), which every implementation repeats.
VECTORS = [
    (b"U*U", b"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    (b"U*U*", b"$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    (b"", b"$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    (b"\xff\xff\xa3", b"$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"),
]


def test_this_host_knows_bcrypt():
    check = checker()
    assert check is not None
    assert check(*VECTORS[0])


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize(("password", "hashed"), VECTORS)
def test_published_vectors(name, password, hashed):
    check = HERE[name]
    assert check(password, hashed)
    assert not check(password + b"x", hashed)
    assert not check(b"x" + password, hashed)


@pytest.mark.parametrize("name", HERE)
def test_only_the_first_72_bytes_count_and_no_zero_byte_hides_the_rest(name):
    hashed = b"$2y$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i"
    assert HERE[name](b"x" * 100, hashed)
    assert HERE[name](b"x" * 72, hashed)
    assert not HERE[name](b"x" * 71, hashed)
    assert not HERE[name](b"U*U\0more", VECTORS[0][1])


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("hashed", [b"", b"x", b"$2y$04$", b"$1$abc$defg", b"\xff" * 60])
def test_what_is_no_hash_fits_no_password(name, hashed):
    try:
        assert not HERE[name](b"password", hashed)
    except ValueError:
        assert name == "bcrypt"  # a hash is looked at before: `fault`


def test_a_library_that_is_not_there_is_no_way():
    assert by_crypt("libnosuchcrypt.so.9") is None
    assert by_crypt("libc.so.6") is None or by_crypt("libc.so.6")(*VECTORS[0])


@pytest.mark.parametrize(("_password", "hashed"), VECTORS)
def test_good_hashes_have_no_fault(_password, hashed):
    assert fault(hashed.decode()) == ""


@pytest.mark.parametrize(
    "hashed", ["", "secret", "$1$abc$def", "$2y$4$abc", "$2y$03$" + "a" * 53, "$2y$10$" + "ä" * 53]
)
def test_bad_ones_are_described_without_being_told(hashed):
    assert fault(hashed)
    assert not hashed or hashed not in fault(hashed)
