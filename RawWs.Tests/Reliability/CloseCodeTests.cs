using System.Net.Sockets;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Whatever a peer does wrong, it gets to read why: never a reset that overtakes the close frame.</summary>
public class CloseCodeTests
{
    private const int AtATime = 32;

    // The second pass, without event loops, is shorter.
    private static readonly int _runs = Environment.GetEnvironmentVariable("RAWWS_TESTS_EVENT_LOOPS") is null ? 200 : 25;

    [Test]
    public void There_are_48_kinds_of_hostile_frames() =>
        Assert.That(HostileFrames.All.Select(frame => frame.Name).Distinct().Count(), Is.EqualTo(48));

    [Test]
    public async Task Peer_reads_the_close_code_for_every_hostile_frame_every_time([Values] bool isSecure)
    {
        await using var server = await TestServer.StartAsync(options =>
        {
            options.Tls = isSecure ? TestCertificates.Options(TestCertificates.Localhost) : options.Tls;
            options.MaxMessageBytes = HostileFrames.MaxMessageBytes;
            options.MaxFragments = HostileFrames.MaxFragments;
        });
        var unread = new byte[64 * 1024];
        new Random(48).NextBytes(unread);
        var next = -1;
        var delivered = 0;

        async Task FailAsync()
        {
            int number;
            while ((number = Interlocked.Increment(ref next)) < HostileFrames.All.Count * _runs)
            {
                var (run, kind) = Math.DivRem(number, HostileFrames.All.Count);
                var hostile = HostileFrames.All[kind];
                using var client = await server.OpenAsync();
                // Every other has more under way when the server gives up: a socket that is closed then, resets.
                var more = run % 2 == 0 ? 0 : 1 + (int)((long)run * unread.Length / (_runs + 1));
                var sending = client.TrySendAsync((byte[])[.. hostile.Bytes, .. unread.AsSpan(0, more)]);
                // Some begin well: what was whole before the violation is echoed.
                WireFrame frame;
                do
                    frame = await client.ReadFrameAsync();
                while (frame.Opcode is Opcode.Text or Opcode.Pong);
                Assert.That((frame.Opcode, frame.CloseCode), Is.EqualTo((Opcode.Close, hostile.Code)), hostile.Name);
                await sending;
                await client.ExpectEndAsync();
                // The system has forgiven a reset that came behind the end; a proxy on the way would not.
                var fault = client.Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error);
                Assert.That(fault, Is.Zero, "the connection was reset");
                Interlocked.Increment(ref delivered);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, AtATime).Select(_ => FailAsync()));
        Assert.That(delivered, Is.EqualTo(HostileFrames.All.Count * _runs));
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "connections are left");
        Assert.That(server.ProblemsLogged, Is.Empty);
    }
}
