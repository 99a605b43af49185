using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.EndToEnd;

/// <summary>The host as the first process of a container, and as a service that systemd waits for.</summary>
[Platform("Linux")]
public class HostServiceTests
{
    [Test]
    public async Task Service_says_that_it_is_ready_and_ends_in_good_order_when_it_is_told_to()
    {
        var folder = Directory.CreateTempSubdirectory("rawws-service-");
        try
        {
            var path = Path.Combine(folder.FullName, "notify");
            using var notified = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            notified.Bind(new UnixDomainSocketEndPoint(path));
            await using var host = await HostProcess.ServeAsServiceAsync(path);
            Assert.That(await ReceiveAsync(notified), Does.StartWith("READY=1"));
            using var client = await WireClient.OpenAsync(new IPEndPoint(IPAddress.Loopback, host.Address.Port), "/echo");

            await SignalFirstProcessAsync(host);
            Assert.That(await ReceiveAsync(notified), Does.StartWith("STOPPING=1"));
            await client.AnswerCloseAsync(CloseCode.GoingAway);
            Assert.That(await host.WaitForExitAsync(WireClient.Patience), Is.Zero);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Nothing but the first process itself is told: what has made its namespace waits for its end.
    private static async Task SignalFirstProcessAsync(HostProcess host)
    {
        var children = await File.ReadAllTextAsync($"/proc/{host.Id}/task/{host.Id}/children");
        using var kill = Process.Start("kill", ["-TERM", children.Trim()]);
        await kill.WaitForExitAsync();
    }

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(WireClient.Patience);
        var buffer = new byte[1024];
        return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, SocketFlags.None, patience.Token));
    }
}
