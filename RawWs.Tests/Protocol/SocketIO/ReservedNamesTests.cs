using System.Text;
using RawWs.Protocol.SocketIO;

namespace RawWs.Tests.Protocol.SocketIO;

public class ReservedNamesTests
{
    [TestCase("connect", true)]
    [TestCase("connect_error", true)]
    [TestCase("disconnect", true)]
    [TestCase("disconnecting", true)]
    [TestCase("newListener", true)]
    [TestCase("removeListener", true)]
    [TestCase("Connect", false)]
    [TestCase("connects", false)]
    [TestCase("connecx", false)]
    [TestCase("disconnecx", false)]
    [TestCase("connection", false)]
    [TestCase("newlistener", false)]
    [TestCase("error", false)]
    [TestCase("", false)]
    public void Reserved_names_are_known_in_both_encodings(string name, bool expected)
    {
        Assert.That(ReservedNames.Contains(name), Is.EqualTo(expected));
        Assert.That(ReservedNames.Contains(Encoding.UTF8.GetBytes(name)), Is.EqualTo(expected));
    }
}
