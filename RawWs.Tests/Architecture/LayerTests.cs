using System.Reflection;
using RawWs.Protocol.WebSockets;
using RawWs.Server;

namespace RawWs.Tests.Architecture;

/// <summary>The borders between the projects, as docs/architecture.md draws them.</summary>
public class LayerTests
{
    private static readonly Assembly Protocol = typeof(MessageReader).Assembly;
    private static readonly Assembly Server = typeof(RawWsServer).Assembly;

    [TestCase("System.Net.Sockets")]
    [TestCase("System.Net.WebSockets")]
    [TestCase("System.Net.Http")]
    [TestCase("System.Threading.Channels")]
    [TestCase("Microsoft.Extensions.Logging.Abstractions")]
    public void Protocol_does_not_reference(string assembly) =>
        Assert.That(References(Protocol), Does.Not.Contain(assembly));

    [TestCase("System.Net.WebSockets")]
    [TestCase("System.Net.WebSockets.Client")]
    [TestCase("System.Net.Http")]
    [TestCase("System.Net.HttpListener")]
    [TestCase("System.Console")]
    [TestCase("RawWs.Host")]
    public void Server_does_not_reference(string assembly) =>
        Assert.That(References(Server), Does.Not.Contain(assembly));

    [Test]
    public void Protocol_references_only_the_base_class_library() =>
        Assert.That(References(Protocol), Has.All.StartsWith("System."));

    [Test]
    public void Nothing_in_Protocol_returns_a_task()
    {
        var tasks = Protocol.GetTypes()
            .SelectMany(type => type.GetMethods(
                BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(method => typeof(Task).IsAssignableFrom(method.ReturnType)
                || method.ReturnType.FullName?.StartsWith("System.Threading.Tasks.ValueTask", StringComparison.Ordinal) == true);
        Assert.That(tasks, Is.Empty);
    }

    private static IEnumerable<string?> References(Assembly assembly) =>
        assembly.GetReferencedAssemblies().Select(reference => reference.Name);
}
