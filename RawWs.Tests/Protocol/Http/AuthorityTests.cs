using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class AuthorityTests
{
    [TestCase("h")]
    [TestCase("example.com")]
    [TestCase("EXAMPLE.com.")]
    [TestCase("xn--bcher-kva.example")]
    [TestCase("under_score~-.h")]
    [TestCase("h:0")]
    [TestCase("h:65535")]
    [TestCase("h:")]
    [TestCase("127.0.0.1:8080")]
    [TestCase("[::1]")]
    [TestCase("[::1]:80")]
    [TestCase("[2001:DB8::a:1]")]
    [TestCase("[::ffff:127.0.0.1]")]
    public void A_host_with_an_optional_port_is_valid(string text) =>
        Assert.That(Authority.IsValid(text), Is.True);

    [TestCase("")]
    [TestCase(":80")]
    [TestCase("h:65536")]
    [TestCase("h:000080")]
    [TestCase("h:-1")]
    [TestCase("h:8o")]
    [TestCase("h:80:80")]
    [TestCase("u@h")]
    [TestCase("h/")]
    [TestCase("h?")]
    [TestCase("h#")]
    [TestCase("h\\")]
    [TestCase("a b")]
    [TestCase("a,b")]
    [TestCase("%41")]
    [TestCase("h<")]
    [TestCase("\u00e9")]
    [TestCase("::1")]
    [TestCase("[::1")]
    [TestCase("::1]")]
    [TestCase("[]")]
    [TestCase("[:]")]
    [TestCase("[::1]x")]
    [TestCase("[::1]80")]
    [TestCase("[::1%eth0]")]
    [TestCase("[1.2.3.4]")]
    [TestCase("[::g]")]
    [TestCase("[1:2:3:4:5:6:7:8:9]")]
    [TestCase("[[::1]]")]
    public void Anything_else_is_not(string text) => Assert.That(Authority.IsValid(text), Is.False);
}
